import { notSetAside } from '../platform/set-aside.ts';

const time = (millis: string) => `to_timestamp((${millis})::float8 / 1000)`;
/** The day of UTC that begins at a time. */
export const dayAt = (millis: string) => `(${time(millis)} AT TIME ZONE 'UTC')::date`;

/** Where the counting is, and whether a link that was set aside is due again at $1. */
export const readProgress = `
  SELECT position, EXISTS (${dueAside('$1')}) AS "isDue" FROM analytics_progress`;

/** The positions of the first links that were set aside and are due again at $1. */
export const dueLinks = `${dueAside('$1')} ORDER BY retry_at LIMIT 100`;

function dueAside(at: string): string {
  return `SELECT id FROM sweep_set_aside WHERE step = 'count' AND retry_at <= ${time(at)}`;
}

/** An entry that retention or a person removed is null. The entry of a guest who signed in is an entry of the user. */
const entries = `
  SELECT s.position, a.session_id AS "sessionId", coalesce(g.user_id, a.user_id) AS "userId", a.activity_type AS "activityType",
    (extract(epoch FROM a.created_at) * 1000)::float8 AS "createdAt",
    a.details->>'cause' AS cause, a.details->>'kind' AS kind, a.details->>'stayEnded' AS "stayEnded",
    a.details->>'durationSeconds' AS seconds,
    CASE WHEN a.activity_type IN ('session_ended', 'session_expired') THEN (extract(epoch FROM coalesce(
      (SELECT c.start_time FROM collaboration_sessions c WHERE c.id = a.session_id),
      (SELECT min(b.created_at) FROM activity_log b WHERE b.session_id = a.session_id AND b.activity_type = 'session_created')
    )) * 1000)::float8 END AS "startedAt"
  FROM activity_seals s LEFT JOIN activity_log a ON a.id = s.activity_id AND a.session_id = s.session_id
  LEFT JOIN guest_identities g ON g.session_id = a.session_id AND g.guest_id = a.user_id
  WHERE`;

/** The entries of the $2 links after position $1. */
export const readEntries = `${entries} s.position > $1 ORDER BY s.position LIMIT $2`;

/** The entries of the links at these positions. */
export const readAgain = `${entries} s.position = ANY ($1::bigint[])`;

export const endAside = `DELETE FROM sweep_set_aside WHERE step = 'count' AND id = ANY ($1::text[]) RETURNING id`;

/** Leaves out the next link. */
export const skipLink = `
  UPDATE analytics_progress p SET position = next.position FROM (
    SELECT min(s.position) AS position FROM activity_seals s WHERE s.position > (SELECT position FROM analytics_progress)
  ) next WHERE next.position IS NOT NULL RETURNING p.position`;

export const addCounts = `
  INSERT INTO analytics_counts AS c (hour, figure, label, count)
  SELECT ${time('hour')}, figure, label, count
  FROM unnest($1::float8[], $2::text[], $3::text[], $4::bigint[]) AS g (hour, figure, label, count)
  ON CONFLICT (hour, figure, label) DO UPDATE SET count = c.count + excluded.count`;

export const addMinutes = `
  INSERT INTO analytics_minutes AS m (minute, joined, departed)
  SELECT ${time('minute')}, joined, departed FROM unnest($1::float8[], $2::bigint[], $3::bigint[]) AS g (minute, joined, departed)
  ON CONFLICT (minute) DO UPDATE SET joined = m.joined + excluded.joined, departed = m.departed + excluded.departed`;

/** Computes the hours again whose minutes were changed. */
export const computeHours = `
  WITH running AS (
    SELECT h.hour, m.joined - m.departed AS change, sum(m.joined - m.departed) OVER (PARTITION BY h.hour ORDER BY m.minute) AS people
    FROM (SELECT DISTINCT ${time('floor(minute / 3600000) * 3600000')} AS hour FROM unnest($1::float8[]) AS g (minute)) h
    JOIN analytics_minutes m ON m.minute >= h.hour AND m.minute < h.hour + interval '1 hour'
  )
  INSERT INTO analytics_hours AS x (hour, change, highest)
  SELECT hour, sum(change), max(people) FROM running GROUP BY hour
  ON CONFLICT (hour) DO UPDATE SET change = excluded.change, highest = excluded.highest`;

export const addDays = `
  INSERT INTO analytics_days AS d (day, joined, departed)
  SELECT ${dayAt('day')}, joined, departed FROM unnest($1::float8[], $2::bigint[], $3::bigint[]) AS g (day, joined, departed)
  ON CONFLICT (day) DO UPDATE SET joined = d.joined + excluded.joined, departed = d.departed + excluded.departed`;

/**
 * Applications choose activity types. A type counts by its name if it is one of the first $4 of its day; the others count
 * together, so that an application that makes up types does not fill the table.
 */
export const addTypes = `
  WITH given AS (
    SELECT ${dayAt('day')} AS day, activity_type, count
    FROM unnest($1::float8[], $2::text[], $3::bigint[]) AS g (day, activity_type, count)
  ), ranked AS (
    SELECT g.*, k.day IS NOT NULL AS known,
      count(*) FILTER (WHERE k.day IS NULL) OVER (PARTITION BY g.day ORDER BY g.activity_type)
      + (SELECT count(*) FROM analytics_types t WHERE t.day = g.day) AS place
    FROM given g LEFT JOIN analytics_types k ON k.day = g.day AND k.activity_type = g.activity_type
  )
  INSERT INTO analytics_types AS t (day, activity_type, count)
  SELECT day, CASE WHEN known OR place <= $4 THEN activity_type ELSE '' END, sum(count) FROM ranked GROUP BY 1, 2
  ON CONFLICT (day, activity_type) DO UPDATE SET count = t.count + excluded.count`;

/** Rows of days before $5 are over: their retention has ended. */
export const addSessions = `
  INSERT INTO analytics_sessions AS s (day, session_id, entries, joins)
  SELECT ${dayAt('day')}, session_id, entries, joins
  FROM unnest($1::float8[], $2::uuid[], $3::bigint[], $4::bigint[]) AS g (day, session_id, entries, joins)
  WHERE day >= $5::float8
  ON CONFLICT (day, session_id) DO UPDATE SET entries = s.entries + excluded.entries, joins = s.joins + excluded.joins`;

/** Adds the days of people, from $3 on, and returns those that are new. */
export const addPeople = `
  INSERT INTO analytics_people (day, person_id)
  SELECT ${dayAt('day')}, person_id FROM unnest($1::float8[], $2::uuid[]) AS g (day, person_id) WHERE day >= $3::float8
  ON CONFLICT DO NOTHING
  RETURNING day::text AS day, person_id AS "personId"`;

/**
 * Counts the days of people that were added. A person returns on a day if they have an earlier day, at most $3 days before. A
 * late entry may add a day before others, so the person's next day is looked at again.
 */
export const countPeople = `
  WITH fresh AS (
    SELECT * FROM unnest($1::date[], $2::uuid[]) AS f (day, person_id)
  ), touched AS (
    SELECT day, person_id FROM fresh
    UNION
    SELECT later.day, f.person_id FROM fresh f CROSS JOIN LATERAL (
      SELECT p.day FROM analytics_people p WHERE p.person_id = f.person_id AND p.day > f.day ORDER BY p.day LIMIT 1
    ) later
  ), changed AS (
    UPDATE analytics_people p SET returns = true FROM touched t
    WHERE p.person_id = t.person_id AND p.day = t.day AND NOT p.returns AND EXISTS (
      SELECT FROM analytics_people e WHERE e.person_id = t.person_id AND e.day < t.day AND e.day >= t.day - $3::integer)
    RETURNING p.day
  ), more AS (
    SELECT day, 1 AS people, 0 AS returned FROM fresh UNION ALL SELECT day, 0, 1 FROM changed
  )
  INSERT INTO analytics_days AS d (day, people, returned)
  SELECT day, sum(people), sum(returned) FROM more GROUP BY day
  ON CONFLICT (day) DO UPDATE SET people = d.people + excluded.people, returned = d.returned + excluded.returned`;

const guest = "session_id || ':' || guest_id";

/** Guests who signed in and whose days their users do not have yet. Those that are set aside at this time are left out. */
const dueGuests = (at: string) => `
  FROM guest_identities WHERE NOT counted AND ${notSetAside('count-guest', guest, time(at))}`;

/** The first $1 such guests at $2. */
export const dueGuestIds = `SELECT ${guest} AS id ${dueGuests('$2')} ORDER BY signed_in_at LIMIT $1`;

/**
 * Takes the days from $2 on away from the next $1 guests who signed in, and returns them for the user; if $4 names guests, only from
 * these. A guest without such a day has one row, whose day is null. It runs after the entries were read and added: an identity that
 * was not there yet when they were read is found now or later.
 */
export const takeGuestDays = `
  WITH taken AS (
    UPDATE guest_identities SET counted = true WHERE (session_id, guest_id) IN (
      SELECT session_id, guest_id ${dueGuests('$3')} AND ($4::text[] IS NULL OR ${guest} = ANY ($4::text[]))
      ORDER BY signed_in_at LIMIT $1)
    RETURNING guest_id, user_id
  ), gone AS (
    DELETE FROM analytics_people p USING taken t WHERE p.person_id = t.guest_id AND p.day >= ${dayAt('$2')}
    RETURNING p.person_id, p.day, p.returns
  ), fewer AS (
    UPDATE analytics_days d SET people = d.people - g.people, returned = d.returned - g.returned
    FROM (SELECT day, count(*) AS people, count(*) FILTER (WHERE returns) AS returned FROM gone GROUP BY day) g
    WHERE d.day = g.day
  )
  SELECT t.guest_id AS "guestId", t.user_id AS "personId", (extract(epoch FROM g.day) * 1000)::float8 AS day
  FROM taken t LEFT JOIN gone g ON g.person_id = t.guest_id`;
