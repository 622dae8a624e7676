import { notSetAside } from '../platform/set-aside.ts';
import { silenceSteps } from './prediction/silence-model.ts';
import { duration, time } from './sql-times.ts';

/** How many sessions of an owner the history covers. */
const rememberedSessions = 20;

/** The sessions among which the batch is: null for all. */
const among = (ids: string) => `(${ids}::uuid[] IS NULL OR s.id = ANY (${ids}::uuid[]))`;

const silent = `
  FROM collaboration_sessions s LEFT JOIN session_foresight f ON f.session_id = s.id
  WHERE s.status = 'active'
    AND s.last_active_at <= ${time('$2')} - ${duration('$3')}
    AND s.last_active_at > ${time('$2')} - ${duration('$1')}
    AND (f.checked_at IS NULL OR f.checked_at <= ${time('$2')} - ${duration('$3')})
    AND ${notSetAside('early-warning', 's.id', time('$2'))}`;

/** The sessions that {@link claimSilent} would take. */
export const dueSilent = `SELECT s.id ${silent} ORDER BY s.last_active_at LIMIT $4`;

/**
 * Takes at most $4 silent sessions for an estimate. Their silence has lasted for at least one step, and the last estimate is at least one step
 * old. $1 is the timeout, $2 the time, $3 the length of a step, $5 how long before the expiry the usual warning is due, and $6 names the
 * sessions, or is null. It only notes the time of the estimate: it ends nothing. `mayWarn` is false if participants were warned already, or
 * the usual warning is due.
 */
export const claimSilent = `
  WITH candidates AS (
    SELECT s.id, s.owner_id, s.warned_at, f.foreseen_at, session_last_activity(s) AS last_activity
    ${silent} AND ${among('$6')}
    ORDER BY s.last_active_at LIMIT $4 FOR NO KEY UPDATE OF s SKIP LOCKED
  ), checked AS (
    INSERT INTO session_foresight (session_id, checked_at) SELECT id, ${time('$2')} FROM candidates
    ON CONFLICT (session_id) DO UPDATE SET checked_at = excluded.checked_at
    RETURNING session_id
  )
  SELECT c.id, c.owner_id AS "ownerId", (extract(epoch FROM c.last_activity) * 1000)::float8 AS "lastActivityAt",
    (c.foreseen_at IS NULL OR c.foreseen_at < c.last_activity)
      AND (c.warned_at IS NULL OR c.warned_at < c.last_activity)
      AND c.last_activity <= ${time('$2')} - ${duration('$3')}
      AND c.last_activity > ${time('$2')} - ${duration('$1')} + ${duration('$5')} AS "mayWarn"
  FROM candidates c JOIN checked ON checked.session_id = c.id`;

/**
 * How the silences of the last sessions of owners ended: by owner, session and step. The step is null for a silence that lasted until the
 * expiry. $1 are the owners, $2 the timeout. Purged sessions count too, because the audit trail still has their entries.
 */
export const readSilences = `
  WITH owners AS (
    SELECT DISTINCT owner_id FROM unnest($1::uuid[]) AS o (owner_id)
  ), remembered AS (
    SELECT o.owner_id, r.id FROM owners o CROSS JOIN LATERAL (
      (SELECT s.id, s.start_time AS at FROM collaboration_sessions s WHERE s.owner_id = o.owner_id
        ORDER BY s.start_time DESC LIMIT ${rememberedSessions})
      UNION ALL
      (SELECT p.id, p.purged_at FROM purged_sessions p WHERE p.owner_id = o.owner_id ORDER BY p.purged_at DESC LIMIT ${rememberedSessions})
      ORDER BY at DESC LIMIT ${rememberedSessions}
    ) r
  ), moves AS (
    SELECT r.owner_id, r.id AS session_id, m.activity_type, m.created_at,
      sum(CASE m.activity_type WHEN 'user_joined' THEN 1 WHEN 'session_expired' THEN 0 ELSE -1 END)
        OVER in_order AS people,
      lead(m.activity_type) OVER in_order AS next_type, lead(m.created_at) OVER in_order AS next_at
    FROM remembered r CROSS JOIN LATERAL (
      SELECT a.activity_type, a.created_at, a.id FROM activity_log a
      WHERE a.session_id = r.id AND a.activity_type IN ('user_joined', 'user_left', 'user_timeout', 'session_expired')
      ORDER BY a.created_at DESC LIMIT 200
    ) m
    WINDOW in_order AS (PARTITION BY r.id ORDER BY m.created_at, m.activity_type = 'session_expired', m.id)
  )
  SELECT owner_id AS "ownerId", session_id AS "sessionId",
    CASE WHEN next_type = 'user_joined' THEN least(${silenceSteps} - 1, greatest(0,
      floor(extract(epoch FROM next_at - created_at) * 1000 / $2::float8 * ${silenceSteps})))::integer END AS step,
    count(*)::integer AS count
  FROM moves
  WHERE people <= 0 AND activity_type IN ('user_left', 'user_timeout') AND next_type IN ('user_joined', 'session_expired')
  GROUP BY 1, 2, 3`;

/**
 * Notes early warnings at $2. It skips a session if somebody came back, if its participants were warned, or if it ended. Returns the
 * expiry of each session that it noted.
 */
export const claimWarnings = `
  WITH silent AS (
    SELECT s.id, session_last_activity(s) AS last_activity FROM collaboration_sessions s WHERE s.id = ANY ($1::uuid[]) AND s.status = 'active'
  ), due AS (
    SELECT s.id, s.owner_id, silent.last_activity FROM collaboration_sessions s JOIN silent ON silent.id = s.id
      LEFT JOIN session_foresight f ON f.session_id = s.id
    WHERE s.status = 'active' AND silent.last_activity <= ${time('$2')} - ${duration('$4')}
      AND (f.foreseen_at IS NULL OR f.foreseen_at < silent.last_activity)
      AND (s.warned_at IS NULL OR s.warned_at < silent.last_activity)
    FOR NO KEY UPDATE OF s SKIP LOCKED
  ), noted AS (
    INSERT INTO session_foresight (session_id, checked_at, foreseen_at) SELECT id, ${time('$2')}, ${time('$2')} FROM due
    ON CONFLICT (session_id) DO UPDATE SET foreseen_at = excluded.foreseen_at
    RETURNING session_id
  )
  SELECT due.id AS "sessionId", due.owner_id AS "ownerId",
    (extract(epoch FROM due.last_activity + ${duration('$3')}) * 1000)::float8 AS "expiresAt"
  FROM due JOIN noted ON noted.session_id = due.id`;

/** Gives back an early warning that could not be announced. */
export const releaseWarning = 'UPDATE session_foresight SET foreseen_at = NULL WHERE session_id = $1';
