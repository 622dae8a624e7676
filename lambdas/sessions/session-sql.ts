import { duration, time } from './sql-times.ts';

/** The session with the UUID $1 or the name $2. Each is looked up in a unique index; the one that is null finds nothing. */
const referenced = `
  SELECT * FROM collaboration_sessions WHERE id = $1::uuid
  UNION ALL
  SELECT * FROM collaboration_sessions WHERE session_id = $2::text AND $1::uuid IS NULL`;

/** The newest stay of the person $2 in the session $1. A guest who signed in is a user since. */
const newestStay = `
  SELECT p.* FROM session_participants p
  WHERE p.session_id = $1 AND p.person_id = coalesce((
    SELECT g.user_id FROM guest_identities g WHERE g.session_id = $1 AND g.guest_id = $2), $2)
  ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1`;

/**
 * The columns of a participant. For an agent, `reassignment` has the details of its last entry `agent_reassigned` of this stay: the
 * audit trail says for whom an agent acts, so no other table has to follow it (rule SA10).
 */
const participant = `
  p.*, CASE WHEN p.kind = 'agent' THEN (
    SELECT a.details FROM activity_log a
    WHERE a.session_id = p.session_id AND a.user_id = p.person_id AND a.activity_type = 'agent_reassigned'
      AND a.created_at >= coalesce(p.last_joined_at, p.joined_at)
    ORDER BY a.created_at DESC, a.id DESC LIMIT 1) END AS reassignment`;

/**
 * Whether the owner of the session $1 can decide about the person of `stay`: not about themselves, and not about one who has no access. A
 * guest who signed in while the statement waited has none; as a user they have.
 */
const mayBeDecided = `stay.left_cause IS DISTINCT FROM 'removed' AND stay.left_cause IS DISTINCT FROM 'signed_in'
  AND NOT EXISTS (SELECT FROM collaboration_sessions s WHERE s.id = $1 AND s.owner_id = stay.person_id)`;

/** The statements of the session repository. Times are parameters: no statement reads the clock of the server. */
export const sessionSql = {
  newestStay,

  create: `
    WITH owner AS MATERIALIZED (
      SELECT u.id, u.username FROM ensure_user($1, $2, $3, ${time('$4')}) u
    ), session AS (
      INSERT INTO collaboration_sessions
        (session_id, operation_id, owner_id, target, objective, is_public, max_participants, metadata,
         start_time, last_active_at, updated_at)
      SELECT $5, $6, owner.id, $7, $8, $9, $10, $11::jsonb, ${time('$4')}, ${time('$4')}, ${time('$4')} FROM owner
      ON CONFLICT (session_id) DO NOTHING
      RETURNING *
    ), slot AS (
      INSERT INTO session_participants (session_id, user_id, name, role, joined_at, last_seen_at)
      SELECT session.id, owner.id, owner.username, 'operator', ${time('$4')}, ${time('$4')} FROM session, owner
    )
    SELECT * FROM session`,

  find: `SELECT s.*, session_last_activity(s) AS last_activity
    FROM collaboration_sessions s WHERE s.id IN (SELECT id FROM (${referenced}) r)`,

  access: `
    SELECT to_jsonb(s) AS session, session_last_activity(s) AS last_activity, to_jsonb(p) AS participant,
      coalesce(p.left_cause IN ('removed', 'signed_in'), false) AS removed
    FROM collaboration_sessions s
    LEFT JOIN LATERAL (
      SELECT * FROM session_participants p
      WHERE p.session_id = s.id AND p.person_id = $3
      ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1
    ) p ON true
    WHERE s.id IN (SELECT id FROM (${referenced}) r)`,

  join: `
    SELECT j.result, (
      SELECT g.guest_id FROM guest_identities g
      WHERE g.session_id = (j.result->'session'->>'id')::uuid AND g.user_id = $3 ORDER BY g.signed_in_at LIMIT 1
    ) AS guest_id
    FROM join_session($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ${duration('$11')}, ${time('$12')}, $13::jsonb) AS j (result)`,

  leave: `
    UPDATE session_participants SET left_at = greatest(joined_at, ${time('$4')}), left_cause = $3
    WHERE session_id = $1 AND person_id = $2 AND left_at IS NULL
      AND ($5::float8 IS NULL OR coalesce(last_joined_at, joined_at) <= ${time('$5')}) RETURNING *`,

  remove: `
    WITH stay AS (${newestStay} FOR NO KEY UPDATE)
    UPDATE session_participants p SET left_at = ${time('$3')}, left_cause = 'removed'
    FROM stay WHERE p.id = stay.id AND ${mayBeDecided}
    RETURNING p.*, stay.left_at IS NULL AS was_active`,

  setRole: `
    WITH stay AS (${newestStay} FOR NO KEY UPDATE)
    UPDATE session_participants p SET role = $3, role_decided_at = ${time('$4')}
    FROM stay WHERE p.id = stay.id AND ${mayBeDecided} AND NOT stay.by_claim RETURNING p.*`,

  activeParticipants: `
    SELECT ${participant} FROM session_participants p
    WHERE p.session_id = $1 AND p.left_at IS NULL ORDER BY p.joined_at, p.id LIMIT $2`,

  everParticipants: `
    SELECT ${participant} FROM session_participants p
    WHERE p.session_id = $1 ORDER BY p.joined_at DESC, p.id DESC LIMIT $2`,

  end: `SELECT * FROM end_session($1, $2, ${duration('$3')}, ${time('$4')}) s WHERE s.id IS NOT NULL`,

  // If no sweep has recorded the expiry, the session still has its slots. They end as the sweep would have ended them. No
  // sweep will announce this expiry any more, so the statement returns it.
  recover: `
    WITH expiry AS (
      SELECT s.id, s.start_time, s.status = 'active' OR s.expiry_announced_at IS NULL AS unannounced,
        CASE s.status WHEN 'expired' THEN s.end_time ELSE session_last_activity(s) + ${duration('$2')} END AS expired_at, (
          SELECT count(*)::integer FROM session_participants p WHERE p.session_id = s.id AND CASE s.status
            WHEN 'expired' THEN p.left_cause = 'session_expired' AND p.left_at = s.end_time
            ELSE p.left_at IS NULL END) AS participants
      FROM collaboration_sessions s
      WHERE s.id = $1 AND CASE s.status
        WHEN 'expired' THEN s.end_time > ${time('$4')} - ${duration('$3')}
        WHEN 'active' THEN ${time('$4')} - session_last_activity(s) >= ${duration('$2')}
          AND ${time('$4')} - session_last_activity(s) < ${duration('$2')} + ${duration('$3')}
        ELSE false END
        AND NOT EXISTS (
          SELECT FROM collaboration_sessions o WHERE o.key = s.key AND o.status = 'active' AND o.id <> s.id)
      FOR NO KEY UPDATE
    ), recovered AS (
      UPDATE collaboration_sessions s
      SET status = 'active', active = true, end_time = NULL, last_active_at = ${time('$4')}, updated_at = ${time('$4')},
        warned_at = NULL, expiry_announced_at = NULL, expiry_claimed_until = NULL
      FROM expiry WHERE s.id = expiry.id
      RETURNING s.*
    ), locked AS (
      SELECT p.id FROM session_participants p JOIN recovered ON p.session_id = recovered.id
      WHERE p.left_at IS NULL ORDER BY p.id FOR NO KEY UPDATE OF p
    ), emptied AS (
      UPDATE session_participants p SET left_at = ${time('$4')}, left_cause = 'session_expired'
      FROM locked WHERE p.id = locked.id AND p.left_at IS NULL
    )
    SELECT recovered.*, expiry.unannounced, expiry.expired_at, expiry.participants FROM recovered, expiry`,

  listOf: `
    SELECT s.*, session_last_activity(s) AS last_activity
    FROM collaboration_sessions s
    WHERE s.id IN (
        SELECT o.id FROM collaboration_sessions o WHERE o.owner_id = $1
        UNION
        SELECT p.session_id FROM session_participants p
        WHERE p.user_id = $1 AND p.left_cause IS DISTINCT FROM 'removed' AND (NOT p.by_claim OR p.own_role IS NOT NULL))
      AND ($3::float8 IS NULL OR (s.start_time, s.id) < (${time('$3')}, $4::uuid))
    ORDER BY s.start_time DESC, s.id DESC LIMIT $2`,

  // All ids with the same beginning are one range of idx_sessions_operation, which sorts by bytes. No id is longer than 255 characters.
  listClaimed: `
    WITH covered AS (
      SELECT e.id, e.start_time FROM collaboration_sessions e WHERE e.operation_id = ANY ($4::text[])
      UNION
      SELECT b.id, b.start_time FROM unnest($5::text[]) AS beginnings (text) JOIN collaboration_sessions b
        ON b.operation_id ~>=~ beginnings.text AND b.operation_id ~<~ (beginnings.text || repeat(chr(1114111), 256))
    ), page AS (
      SELECT c.id FROM covered c
      WHERE $2::float8 IS NULL OR (c.start_time, c.id) < (${time('$2')}, $3::uuid)
      ORDER BY c.start_time DESC, c.id DESC LIMIT $1
    )
    SELECT s.*, session_last_activity(s) AS last_activity
    FROM collaboration_sessions s WHERE s.id IN (SELECT id FROM page)
    ORDER BY s.start_time DESC, s.id DESC`,

  listAll: `
    SELECT s.*, session_last_activity(s) AS last_activity
    FROM collaboration_sessions s
    WHERE ($2::float8 IS NULL OR (s.start_time, s.id) < (${time('$2')}, $3::uuid))
    ORDER BY s.start_time DESC, s.id DESC LIMIT $1`,

  owner: `
    SELECT id, owner_id, operation_id FROM (${referenced}) s
    UNION ALL
    SELECT id, owner_id, operation_id FROM purged_sessions WHERE id = $1::uuid OR (session_id = $2::text AND $1::uuid IS NULL)`,
};
