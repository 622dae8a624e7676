import type { Queryable } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { duration, time } from './sql-times.ts';

/** A user who was seen in a session. Without a person it is a sign of life of the session alone. */
export interface LastSeenUpdate {
  sessionId: string;
  personId: string | null;
  /** Unix milliseconds. */
  at: number;
}

/**
 * The rows are locked in one order, so that two such statements never deadlock. Times only move forward: a late or repeated
 * update changes nothing.
 */
const touch = `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::float8[]) AS g (session_id, person_id, at)
  ), newest AS (
    SELECT session_id, max(at) AS at FROM given GROUP BY session_id
  ), stale AS (
    SELECT s.id, s.active, ${time('n.at')} AS at
    FROM collaboration_sessions s JOIN newest n ON n.session_id = s.id
    WHERE s.status = 'active' AND (s.last_active_at < ${time('n.at')} - ${duration('$4')} OR NOT s.active)
    ORDER BY s.id FOR NO KEY UPDATE OF s
  ), touched AS (
    UPDATE collaboration_sessions s
    SET last_active_at = greatest(s.last_active_at, stale.at), updated_at = greatest(s.updated_at, stale.at), active = true
    FROM stale WHERE s.id = stale.id
    RETURNING s.id, s.owner_id, s.last_active_at, NOT stale.active AS revived
  ), unseen AS (
    SELECT p.id, ${time('max(g.at)')} AS at
    FROM session_participants p JOIN given g ON g.session_id = p.session_id AND g.person_id = p.person_id
    WHERE p.left_at IS NULL GROUP BY p.id
  ), locked AS (
    SELECT p.id, unseen.at FROM session_participants p JOIN unseen ON unseen.id = p.id
    WHERE p.last_seen_at < unseen.at - ${duration('$4')} ORDER BY p.id FOR NO KEY UPDATE OF p
  ), seen AS (
    UPDATE session_participants p SET last_seen_at = locked.at FROM locked WHERE p.id = locked.id
  )
  SELECT id, owner_id, last_active_at, revived FROM touched`;

/**
 * Writes last-seen updates for any number of sessions with one statement: `last_seen_at` of participants and
 * `last_active_at` of sessions. A heartbeat never writes to PostgreSQL; the sweep does this for the users whom it finds
 * present.
 *
 * An ended or expired session does not change (rule SE4).
 *
 * @param leastMillis a time is written only if it is newer than the stored one by more than this. An inactive session
 *   becomes active at once.
 * @returns the sessions that became active again.
 */
export async function touchSessions(
  database: Queryable,
  updates: readonly LastSeenUpdate[],
  leastMillis = 0,
): Promise<{ sessionId: string; ownerId: string; activeAt: number }[]> {
  if (updates.length === 0) return [];
  for (const sessionId of new Set(updates.map((update) => update.sessionId))) {
    log.debug(`Updating participant presence for session: ${sessionId}`);
  }
  const { rows } = await database.query<{ id: string; owner_id: string; last_active_at: Date; revived: boolean }>({
    name: 'sessions-touch',
    text: touch,
    values: [
      updates.map(({ sessionId }) => sessionId),
      updates.map(({ personId }) => personId),
      updates.map(({ at }) => at),
      leastMillis,
    ],
  });
  return rows
    .filter((row) => row.revived)
    .map((row) => ({ sessionId: row.id, ownerId: row.owner_id, activeAt: row.last_active_at.getTime() }));
}
