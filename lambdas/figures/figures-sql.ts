import type { OldRows } from '../platform/remove-old.ts';
import { notSetAside } from '../platform/set-aside.ts';

const time = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000)`;

/**
 * Writes the sessions that were visited or metered since the last time. A session that was only metered has no people here and is
 * changed, not inserted. A session that is set aside is left out. The rate is a mean over about a minute, in which older amounts
 * count less ($6: seconds until now).
 */
export const writeSessions = `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::integer[], $4::float8[]) AS g (session_id, people, online, dollars)
    WHERE ${notSetAside('live-session', 'g.session_id', time('$5'))}
  ), gone AS (
    DELETE FROM live_sessions l USING given g WHERE l.session_id = g.session_id AND g.people = 0
  ), metered AS (
    UPDATE live_sessions l SET dollars_per_hour = l.dollars_per_hour + g.dollars * 3600 / 60
    FROM given g WHERE l.session_id = g.session_id AND g.people IS NULL
  )
  INSERT INTO live_sessions AS l (session_id, people, online, dollars_per_hour, seen_at)
  SELECT session_id, people, online, dollars * 3600 / 60, ${time('$5')} FROM given WHERE people > 0
  ON CONFLICT (session_id) DO UPDATE SET people = excluded.people, online = excluded.online,
    dollars_per_hour = l.dollars_per_hour * exp(-extract(epoch FROM greatest(excluded.seen_at - l.seen_at, interval '0')) / 60)
      + excluded.dollars_per_hour,
    seen_at = greatest(l.seen_at, excluded.seen_at)`;

export const addCounters = `
  INSERT INTO service_figures AS f (slot, visits, failed_visits, redis_millis, timeouts, received, posted, fan_out, sweep_lag)
  VALUES (${time('$1')}, $2, $3, $4, $5, $6, $7, $8, $9)
  ON CONFLICT (slot) DO UPDATE SET visits = f.visits + excluded.visits, failed_visits = f.failed_visits + excluded.failed_visits,
    redis_millis = f.redis_millis + excluded.redis_millis, sweep_lag = greatest(f.sweep_lag, excluded.sweep_lag), timeouts = f.timeouts + excluded.timeouts,
    received = f.received + excluded.received, posted = f.posted + excluded.posted, fan_out = f.fan_out + excluded.fan_out`;

export const writeFound = `
  INSERT INTO service_figures AS f (slot, found) VALUES (${time('$1')}, $2::jsonb)
  ON CONFLICT (slot) DO UPDATE SET found = excluded.found`;

/** Who is present. Rows that no visit has renewed for two minutes are left out; `oldFigures` names them for deletion. */
export const presentNow = `
  SELECT count(*)::float8 AS "activeSessions", coalesce(sum(people), 0)::float8 AS "activeUsers",
    coalesce(sum(online), 0)::float8 AS online
  FROM live_sessions WHERE seen_at > ${time('$1')} - interval '2 minutes'`;

const slotKey = 'extract(epoch FROM t.slot)::bigint::text';

/** Live sessions that no visit renews, and figures that are two days old, at $1. */
export const oldFigures: readonly Omit<OldRows, 'values'>[] = [
  {
    ...{ step: 'live-session', table: 'live_sessions', key: 't.session_id::text' },
    due: `t.seen_at <= ${time('$1')} - interval '2 minutes' AND ${notSetAside('live-session', 't.session_id', time('$1'))}`,
  },
  {
    ...{ step: 'figures', table: 'service_figures', key: slotKey },
    due: `t.slot < ${time('$1')} - interval '48 hours' AND ${notSetAside('figures', slotKey, time('$1'))}`,
  },
];

/**
 * Joins and leaves of people in a period, without those of agents. The index of the retention finds the entries by their time. An entry that comes later than this is
 * missing here; the analytics count it.
 */
export const movements = `
  SELECT CASE activity_type WHEN 'user_joined' THEN '' WHEN 'user_timeout' THEN 'timeout' ELSE coalesce(details->>'cause', 'unknown')
    END AS cause, count(*)::float8 AS count
  FROM activity_log
  WHERE created_at AT TIME ZONE 'UTC' >= ${time('$1')} AT TIME ZONE 'UTC'
    AND created_at AT TIME ZONE 'UTC' < ${time('$2')} AT TIME ZONE 'UTC'
    AND activity_type IN ('user_joined', 'user_left', 'user_timeout') AND details->>'kind' IS DISTINCT FROM 'agent'
  GROUP BY 1`;

/** The last slot before $1 at whose end a sweep led. */
export const lastFound = `
  SELECT (extract(epoch FROM slot) * 1000)::float8 AS at FROM service_figures
  WHERE slot < ${time('$1')} AND found IS NOT NULL ORDER BY slot DESC LIMIT 1`;

export const sessionsByStatus = `SELECT status, count(*)::float8 AS count FROM collaboration_sessions GROUP BY status`;

export const rows = `
  SELECT (extract(epoch FROM slot) * 1000)::float8 AS at, visits::float8 AS visits, failed_visits::float8 AS "failedVisits",
    redis_millis AS "redisMillis", timeouts::float8 AS timeouts, received::float8 AS received, posted::float8 AS posted,
    fan_out::float8 AS "fanOut", sweep_lag AS "sweepLag", found
  FROM service_figures WHERE slot >= ${time('$1')} AND slot < ${time('$2')} ORDER BY slot`;

/** Live sessions by people or cost. The search looks for a part of the name, the key, the title or the owner's name. */
export const liveSessions = (order: 'people' | 'dollars_per_hour') => `
  SELECT l.session_id AS "sessionId", s.session_id AS name, s.key, s.metadata->>'title' AS title, u.username AS "ownerName",
    (extract(epoch FROM s.start_time) * 1000)::float8 AS "startedAt", l.people, l.online, l.dollars_per_hour AS "dollarsPerHour"
  FROM live_sessions l
  JOIN collaboration_sessions s ON s.id = l.session_id
  LEFT JOIN users u ON u.id = s.owner_id
  WHERE ($1::float8 IS NULL OR (l.${order}, l.session_id) < ($1::float8, $2::uuid))
    AND ($3::text IS NULL OR strpos(lower(concat_ws(' ', l.session_id, s.session_id, s.key, s.metadata->>'title', u.username)), lower($3)) > 0)
    AND l.seen_at > ${time('$5')} - interval '2 minutes'
  ORDER BY l.${order} DESC, l.session_id DESC LIMIT $4`;

export const oneLiveSession = `
  SELECT people, online, dollars_per_hour AS "dollarsPerHour"
  FROM live_sessions WHERE session_id = $1 AND seen_at > ${time('$2')} - interval '2 minutes'`;
