import type { Pool } from 'pg';

/** Queries that find forbidden rows, by their description. They find none once the sweeps have no work left. */
const queries = {
  'an owner who is not operator': `
    SELECT s.id::text FROM collaboration_sessions s
    JOIN session_participants p ON p.session_id = s.id AND p.person_id = s.owner_id
    WHERE p.role <> 'operator' AND NOT p.by_claim`,
  'a session whose owner was never a participant': `
    SELECT s.id::text FROM collaboration_sessions s WHERE NOT EXISTS (
      SELECT FROM session_participants p WHERE p.session_id = s.id AND p.person_id = s.owner_id)`,
  'an active participant of an ended session': `
    SELECT format('%s in %s, %s', p.person_id, s.id, s.status) FROM session_participants p
    JOIN collaboration_sessions s ON s.id = p.session_id WHERE s.status <> 'active' AND p.left_at IS NULL`,
  'two slots of one user in a session': `
    SELECT format('%s in %s', person_id, session_id) FROM session_participants WHERE left_at IS NULL
    GROUP BY session_id, person_id HAVING count(*) > 1`,
  'an activity written twice': `
    SELECT details->>'key' FROM activity_log WHERE activity_type = 'note' GROUP BY 1 HAVING count(*) > 1`,
  'an activity without a session': `
    SELECT DISTINCT a.session_id::text FROM activity_log a
    WHERE NOT EXISTS (SELECT FROM collaboration_sessions s WHERE s.id = a.session_id)
      AND NOT EXISTS (SELECT FROM purged_sessions s WHERE s.id = a.session_id)`,
  'an activity of an unknown user': `
    SELECT DISTINCT a.user_id::text FROM activity_log a WHERE a.user_id IS NOT NULL
      -- A sweep does not know the name of a guest, whose arrival may have been killed before it was written down.
      AND a.activity_type NOT IN ('user_left', 'user_timeout')
      -- Somebody who was always refused has no row in users. Only the entries of the refusals name them.
      AND NOT (a.activity_type IN ('invite_refused', 'session_end_refused', 'activity_refused') AND a.username IS NOT NULL)
      AND NOT EXISTS (SELECT FROM users u WHERE u.id = a.user_id)
      AND NOT EXISTS (SELECT FROM activity_log b WHERE b.user_id = a.user_id AND b.username = 'Guest')`,
  'a seal without an activity': `
    SELECT activity_id::text FROM activity_seals s
    WHERE NOT EXISTS (SELECT FROM activity_log a WHERE a.id = s.activity_id AND a.session_id = s.session_id)`,
  'an activity without a seal': `
    SELECT a.id::text FROM activity_log a
    WHERE NOT EXISTS (SELECT FROM activity_seals s WHERE s.activity_id = a.id)`,
  'an activity older than the retention': `SELECT id::text FROM activity_log WHERE created_at < now() - interval '91 days'`,
  'a session without its entry': `
    SELECT s.id::text FROM collaboration_sessions s WHERE s.start_time > now() - interval '1 day'
      AND NOT EXISTS (SELECT FROM activity_log a WHERE a.session_id = s.id AND a.activity_type = 'session_created')`,
  'an end without its entry': `
    SELECT s.id::text FROM collaboration_sessions s WHERE s.status IN ('completed', 'failed')
      AND NOT EXISTS (SELECT FROM activity_log a WHERE a.session_id = s.id AND a.activity_type = 'session_ended')`,
  'a removal without its entry': `
    SELECT format('%s from %s', p.person_id, p.session_id) FROM session_participants p WHERE p.left_cause = 'removed'
      AND NOT EXISTS (SELECT FROM activity_log a WHERE a.session_id = p.session_id
        AND a.activity_type = 'participant_removed' AND a.details->>'targetUserId' = p.person_id::text)`,
  'an invite without its entry': `
    SELECT i.id::text FROM session_invites i
    WHERE NOT EXISTS (SELECT FROM activity_log a WHERE a.session_id = i.session_id
        AND a.activity_type = 'invite_created' AND a.details->>'inviteId' = i.id::text)
      OR (i.revoked_at IS NOT NULL AND NOT EXISTS (SELECT FROM activity_log a WHERE a.session_id = i.session_id
        AND a.activity_type = 'invite_revoked' AND a.details->>'inviteId' = i.id::text))`,
  'a use of an invite without its entry': `
    SELECT i.id::text FROM session_invites i WHERE i.uses > (
      SELECT count(*) FROM activity_log a WHERE a.session_id = i.session_id
        AND a.activity_type = 'invite_used' AND a.details->>'inviteId' = i.id::text)`,
  'an invite used too often': `SELECT id::text FROM session_invites WHERE uses > max_uses`,
  'a right to a private session without an invite': `
    SELECT format('%s in %s', p.person_id, s.id) FROM collaboration_sessions s
    JOIN session_participants p ON p.session_id = s.id AND p.person_id <> s.owner_id
    WHERE NOT s.is_public AND NOT (p.by_claim AND p.own_role IS NULL)
      AND NOT EXISTS (SELECT FROM activity_log a WHERE a.session_id = s.id
        AND a.activity_type = 'invite_used' AND a.user_id = p.person_id)`,
  'an end without a time': `
    SELECT id::text FROM collaboration_sessions WHERE (status = 'active') <> (end_time IS NULL)`,
} as const;

export type RowCheck = keyof typeof queries;

/** The checks that hold at any time, even while entries of the audit trail wait to be written or sealed. */
export const lastingChecks: readonly RowCheck[] = [
  'an owner who is not operator',
  'a session whose owner was never a participant',
  'two slots of one user in a session',
  'an activity without a session',
  'a seal without an activity',
  'an invite used too often',
  'an end without a time',
];

/** The forbidden rows, one sentence each. */
export async function rowFaults(
  database: Pool,
  checks: readonly RowCheck[] = Object.keys(queries) as RowCheck[],
): Promise<string[]> {
  const faults: string[] = [];
  for (const what of checks) {
    const { rows } = await database.query<Record<string, string>>(queries[what]);
    faults.push(...rows.map((row) => `${what}: ${Object.values(row)[0]}`));
  }
  return faults;
}
