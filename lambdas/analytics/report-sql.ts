import { dayAt } from './rollup-sql.ts';

const from = 'to_timestamp($1::float8 / 1000)';
const to = 'to_timestamp($2::float8 / 1000)';
/** The seconds of a step are $3. Steps begin with the period, which begins with an hour or a day of UTC. */
const step = `make_interval(secs => $3::float8)`;
const stepOf = (time: string) => `date_bin(${step}, ${time}, ${from})`;
const millis = (time: string) => `(extract(epoch FROM ${time}) * 1000)::float8`;
const figure = (name: string) => `coalesce(sum(count) FILTER (WHERE figure = '${name}'), 0)::float8`;

/**
 * Usage by step. `peakPeople` is the most people who were present at the end of a minute of the step, or at its beginning. A
 * person who is in two sessions counts twice.
 */
export const usage = `
  WITH steps AS (
    SELECT generate_series(${from}, ${to} - ${step}, ${step}) AS at
  ), sums AS (
    SELECT ${stepOf('hour')} AS at, ${figure('entries')} AS entries, ${figure('joined')} AS joins, ${figure('left')} AS leaves,
      ${figure('agent-joined')} AS agents, ${figure('created')} AS created, ${figure('ended')} AS ended
    FROM analytics_counts WHERE hour >= ${from} AND hour < ${to} GROUP BY 1
  ), opening AS (
    SELECT p.balance
      + coalesce((SELECT sum(joined - departed) FROM analytics_days WHERE day < ${dayAt('$1')}), 0)
      + coalesce((SELECT sum(change) FROM analytics_hours
          WHERE hour >= ${dayAt('$1')}::timestamp AT TIME ZONE 'UTC' AND hour < ${from}), 0) AS people
    FROM analytics_progress p
  ), running AS (
    SELECT ${stepOf('hour')} AS at, change, greatest(highest, 0)
      + sum(change) OVER (PARTITION BY ${stepOf('hour')} ORDER BY hour) - change AS people
    FROM analytics_hours WHERE hour >= ${from} AND hour < ${to}
  ), changes AS (
    SELECT at, max(people) AS highest, sum(change) AS change FROM running GROUP BY at
  ), present AS (
    SELECT s.at, greatest(c.highest, 0)
      + coalesce(sum(c.change) OVER (ORDER BY s.at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS highest
    FROM steps s LEFT JOIN changes c ON c.at = s.at
  )
  SELECT ${millis('p.at')} AS at, coalesce(s.entries, 0) AS entries, coalesce(s.joins, 0) AS joins,
    coalesce(s.leaves, 0) AS leaves, (o.people + p.highest)::float8 AS "peakPeople",
    coalesce(s.created, 0) AS "sessionsCreated", coalesce(s.ended, 0) AS "sessionsEnded",
    coalesce(s.agents, 0) AS "agentJoins"
  FROM present p CROSS JOIN opening o LEFT JOIN sums s ON s.at = p.at ORDER BY p.at`;

/** People by day: how many, how many of them returned, and how many were there for the first time. */
export const people = `
  SELECT ${millis('g.at')} AS at, coalesce(d.people, 0)::float8 AS people, coalesce(d.returned, 0)::float8 AS "returning",
    coalesce(d.people - d.returned, 0)::float8 AS "firstTime"
  FROM generate_series(${from}, ${to} - interval '24 hours', interval '24 hours') AS g (at)
  LEFT JOIN analytics_days d ON d.day = (g.at AT TIME ZONE 'UTC')::date ORDER BY g.at`;

export const leaves = `
  SELECT ${millis(stepOf('hour'))} AS at, label AS cause, sum(count)::float8 AS count
  FROM analytics_counts WHERE figure = 'left' AND hour >= ${from} AND hour < ${to} GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2`;

export const activities = `
  SELECT activity_type AS "activityType", sum(count)::float8 AS count
  FROM analytics_types WHERE day >= ${dayAt('$1')} AND day < ${dayAt('$2')}
  GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT $3`;

export const lengths = `
  SELECT figure, label, sum(count)::float8 AS count
  FROM analytics_counts
  WHERE figure IN ('stay', 'session', 'stay-seconds', 'session-seconds') AND hour >= ${from} AND hour < ${to} GROUP BY 1, 2`;

/**
 * The busiest sessions of the days of a period; a session has one row for each of its days. The index gives the first rows of
 * each day, so the cost depends on the number of days and not on the number of sessions.
 */
export const sessions = (order: 'entries' | 'joins') => `
  SELECT to_char(s.day, 'YYYY-MM-DD') AS day, s.session_id AS "sessionId", coalesce(c.session_id, p.session_id) AS name,
    coalesce(c.key, p.key) AS key, s.entries::float8 AS entries, s.joins::float8 AS joins
  FROM generate_series(${from}, ${to} - interval '24 hours', interval '24 hours') AS g (at)
  CROSS JOIN LATERAL (
    SELECT * FROM analytics_sessions x
    WHERE x.day = (g.at AT TIME ZONE 'UTC')::date
      AND (x.${order}, x.session_id) < (coalesce($3::bigint, 9223372036854775807),
        CASE WHEN (g.at AT TIME ZONE 'UTC')::date = $4::date THEN $5::uuid
          WHEN (g.at AT TIME ZONE 'UTC')::date > $4::date THEN '00000000-0000-0000-0000-000000000000'
          ELSE 'ffffffff-ffff-ffff-ffff-ffffffffffff' END)
    ORDER BY x.${order} DESC, x.session_id DESC LIMIT $6
  ) s
  LEFT JOIN collaboration_sessions c ON c.id = s.session_id
  LEFT JOIN purged_sessions p ON p.id = s.session_id
  ORDER BY s.${order} DESC, s.day DESC, s.session_id DESC LIMIT $6`;
