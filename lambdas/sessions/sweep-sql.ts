import { notSetAside } from '../platform/set-aside.ts';
import { duration, time } from './sql-times.ts';

/** Active sessions without activity for $1 milliseconds at $3. */
const inactive = `
  SELECT s.id FROM collaboration_sessions s
  WHERE s.status = 'active'
    AND s.last_active_at <= ${time('$3')} - ${duration('$1')}
    AND s.start_time <= ${time('$3')} - ${duration('$1')}
    AND NOT EXISTS (
      SELECT FROM session_participants p
      WHERE p.session_id = s.id AND p.left_at IS NULL AND p.last_seen_at > ${time('$3')} - ${duration('$1')})`;

/** A warning after the last activity still counts. One before it belongs to an earlier time without activity. */
const unwarned = '(s.warned_at IS NULL OR s.warned_at < session_last_activity(s))';

/** Restricts a batch to these ids; no restriction if they are null. */
const among = (id: string, ids: string) => `(${ids}::uuid[] IS NULL OR ${id} = ANY (${ids}::uuid[]))`;

/** Expiries that were not announced yet, at $2. */
const unannounced = `
  FROM collaboration_sessions s
  WHERE s.status = 'expired' AND s.expiry_announced_at IS NULL AND s.end_time IS NOT NULL
    AND (s.expiry_claimed_until IS NULL OR s.expiry_claimed_until <= ${time('$2')})
    AND ${notSetAside('announce-expiry', 's.id', time('$2'))}`;

/** Slots in sessions that are over, at $2. */
const orphans = `
  FROM collaboration_sessions s JOIN session_participants p ON p.session_id = s.id
  WHERE s.status <> 'active' AND p.left_at IS NULL AND ${notSetAside('close-orphan', 'p.id', time('$2'))}`;

/** Sessions that ended $2 milliseconds before $3. */
const purgeable = `
  FROM collaboration_sessions s
  WHERE s.status <> 'active' AND s.end_time <= ${time('$3')} - ${duration('$2')} AND ${notSetAside('purge', 's.id', time('$3'))}`;

/** The rest of sessions that were purged $2 milliseconds before $3. */
const forgettable = `
  FROM purged_sessions s
  WHERE s.purged_at <= ${time('$3')} - ${duration('$2')} AND ${notSetAside('forget', 's.id', time('$3'))}`;

/**
 * The statements of the scheduled work. Each takes a limited number of rows and skips rows that another sweep has locked. A
 * statement with a `due…` counterpart takes the ids of a batch as its last parameter: null for the first $1 rows that are
 * due.
 */
export const sweepSql = {
  inactive: `${inactive} AND ${notSetAside('expire', 's.id', time('$3'))} ORDER BY s.last_active_at LIMIT $2`,

  silent: `${inactive} AND ${unwarned} AND ${notSetAside('warn', 's.id', time('$3'))} ORDER BY s.last_active_at LIMIT $2`,

  claimWarnings: `
    WITH silent AS (
      SELECT s.id, session_last_activity(s) AS last_activity
      FROM collaboration_sessions s WHERE s.id = ANY ($1::uuid[]) AND s.status = 'active'
    ), due AS (
      SELECT s.id, silent.last_activity FROM collaboration_sessions s JOIN silent ON silent.id = s.id
      WHERE s.status = 'active'
        AND ${unwarned}
        AND ${time('$4')} - silent.last_activity >= ${duration('$2')} - ${duration('$3')}
        AND ${time('$4')} - silent.last_activity < ${duration('$2')}
      FOR NO KEY UPDATE OF s SKIP LOCKED
    )
    UPDATE collaboration_sessions s SET warned_at = ${time('$4')}
    FROM due WHERE s.id = due.id
    RETURNING s.id, s.owner_id, due.last_activity + ${duration('$2')} AS expires_at`,

  releaseWarning: 'UPDATE collaboration_sessions SET warned_at = NULL WHERE id = $1',

  expire: `SELECT cleanup_inactive_sessions(${duration('$1')}, $2, ${time('$3')}, $4::uuid[]) AS expired`,

  /** The same for rows that are tried apart: it waits for the locks that the function would skip. */
  expireApart: `
    WITH locked AS MATERIALIZED (
      SELECT s.id FROM collaboration_sessions s WHERE s.id = ANY ($4::uuid[]) ORDER BY s.id FOR NO KEY UPDATE
    )
    SELECT cleanup_inactive_sessions(${duration('$1')}, $2, ${time('$3')}, $4::uuid[]) AS expired
    FROM (SELECT count(*) FROM locked) AS all_locked`,

  dueExpired: `SELECT s.id ${unannounced} ORDER BY s.end_time LIMIT $1`,

  claimExpired: `
    WITH due AS (
      SELECT s.id ${unannounced} AND ${among('s.id', '$3')}
      ORDER BY s.end_time LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE collaboration_sessions s SET expiry_claimed_until = ${time('$2')} + interval '1 minute'
    FROM due WHERE s.id = due.id
    RETURNING s.id, s.session_id, s.owner_id, s.start_time, s.end_time, (
      SELECT count(*)::integer FROM session_participants p
      WHERE p.session_id = s.id AND p.left_cause = 'session_expired' AND p.left_at = s.end_time) AS participants`,

  isExpired: `SELECT FROM collaboration_sessions WHERE id = $1 AND status = 'expired'`,

  confirmExpired: `
    UPDATE collaboration_sessions SET expiry_announced_at = ${time('$2')}, expiry_claimed_until = NULL
    WHERE id = ANY ($1::uuid[]) AND status = 'expired'`,

  releaseExpired: `UPDATE collaboration_sessions SET expiry_claimed_until = NULL WHERE id = $1`,

  dueOrphans: `SELECT p.id ${orphans} LIMIT $1`,

  closeOrphans: `
    WITH orphans AS (
      SELECT p.id, s.status ${orphans} AND ${among('p.id', '$3')}
      LIMIT $1 FOR NO KEY UPDATE OF p SKIP LOCKED
    )
    UPDATE session_participants p
    SET left_at = ${time('$2')}, left_cause = CASE o.status WHEN 'expired' THEN 'session_expired' ELSE 'session_ended' END
    FROM orphans o WHERE p.id = o.id RETURNING p.id`,

  duePurge: `SELECT s.id ${purgeable} ORDER BY s.end_time LIMIT $1`,

  purge: `
    WITH due AS (
      SELECT s.id ${purgeable} AND ${among('s.id', '$4')}
      ORDER BY s.end_time LIMIT $1 FOR UPDATE SKIP LOCKED
    ), remembered AS (
      INSERT INTO purged_sessions (id, session_id, operation_id, key, owner_id, purged_at)
      SELECT s.id, s.session_id, s.operation_id, s.key, s.owner_id, ${time('$3')}
      FROM collaboration_sessions s JOIN due ON due.id = s.id
      ON CONFLICT DO NOTHING
    )
    DELETE FROM collaboration_sessions s USING due WHERE s.id = due.id RETURNING s.id`,

  dueForget: `SELECT s.id ${forgettable} ORDER BY s.purged_at LIMIT $1`,

  forget: `
    DELETE FROM purged_sessions WHERE id IN (
      SELECT s.id ${forgettable} AND ${among('s.id', '$4')}
      ORDER BY s.purged_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id`,

  statistics: `
    WITH ages AS (
      SELECT s.status, ${time('$2')} - session_last_activity(s) < ${duration('$1')} AS recent
      FROM collaboration_sessions s
    )
    SELECT count(*)::integer AS total, count(*) FILTER (WHERE status = 'active' AND recent)::integer AS active,
      count(*) FILTER (WHERE recent)::integer AS recent
    FROM ages`,
};
