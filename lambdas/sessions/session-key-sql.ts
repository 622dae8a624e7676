import { duration, time } from './sql-times.ts';

/** Who may see a session: its owner, participants who were not removed, and everyone if it is public. */
const visibleTo = (user: string) => `(s.is_public OR s.owner_id = ${user} OR EXISTS (
  SELECT FROM session_participants p
  WHERE p.session_id = s.id AND p.user_id = ${user} AND p.left_cause IS DISTINCT FROM 'removed'
    AND (NOT p.by_claim OR p.own_role IS NOT NULL)))`;

/** The statements about the sessions of a key. Times are parameters: no statement reads the server's clock. */
export const sessionKeySql = {
  live: `
    SELECT s.id FROM collaboration_sessions s
    WHERE s.key = $1 AND s.status = 'active' AND ${time('$3')} - session_last_activity(s) < ${duration('$2')}`,

  open: `SELECT open_session($1, $2, $3, $4, $5, $6::jsonb, $7, $8, ${duration('$9')}, ${time('$10')}) AS result`,

  list: `
    SELECT s.*, session_last_activity(s) AS last_activity FROM collaboration_sessions s
    WHERE s.key = $1 AND ($6 OR ${visibleTo('$2::uuid')})
      AND ($4::float8 IS NULL OR (s.start_time, s.id) < (${time('$4')}, $5::uuid))
    ORDER BY s.start_time DESC, s.id DESC LIMIT $3`,

  // Only the owner of a purged session may read its trail. $3: an access claim covers the key, so all its sessions are shown.
  audited: `
    SELECT s.id, s.owner_id, s.metadata -> 'visibility' ->> 'activity' AS least_role, (
      SELECT CASE WHEN p.by_claim THEN p.own_role ELSE p.role END FROM session_participants p
      WHERE p.session_id = s.id AND p.user_id = $2 AND p.left_cause IS DISTINCT FROM 'removed'
      ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1) AS role,
      false AS purged
    FROM collaboration_sessions s WHERE s.key = $1 AND ($3 OR ${visibleTo('$2::uuid')})
    UNION ALL
    SELECT g.id, g.owner_id, NULL, NULL, true FROM purged_sessions g WHERE g.key = $1 AND g.owner_id = $2`,
};
