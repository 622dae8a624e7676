import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { ChainVerifier } from '../../lambdas/activity/chain-verifier.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { missingFacts } from './acknowledged.ts';
import type { Aftermath } from './campaign.ts';
import { frameFaults } from './frame-faults.ts';
import { storyFaults } from './story-faults.ts';

/** Each finds rows that must not be, in words. */
const queries = {
  'an owner who is no operator': `
    SELECT s.id::text FROM collaboration_sessions s
    JOIN session_participants p ON p.session_id = s.id AND p.person_id = s.owner_id WHERE p.role <> 'operator'`,
  'a session without its owner among those who ever took part': `
    SELECT s.id::text FROM collaboration_sessions s WHERE NOT EXISTS (
      SELECT FROM session_participants p WHERE p.session_id = s.id AND p.person_id = s.owner_id)`,
  'somebody in a session that is over': `
    SELECT format('%s in %s, %s', p.person_id, s.id, s.status) FROM session_participants p
    JOIN collaboration_sessions s ON s.id = p.session_id WHERE s.status <> 'active' AND p.left_at IS NULL`,
  'two stays of one person': `
    SELECT format('%s in %s', person_id, session_id) FROM session_participants WHERE left_at IS NULL
    GROUP BY session_id, person_id HAVING count(*) > 1`,
  'an activity written twice': `
    SELECT details->>'key' FROM activity_log WHERE activity_type = 'note' GROUP BY 1 HAVING count(*) > 1`,
  'an activity of no session': `
    SELECT DISTINCT a.session_id::text FROM activity_log a
    WHERE NOT EXISTS (SELECT FROM collaboration_sessions s WHERE s.id = a.session_id)
      AND NOT EXISTS (SELECT FROM purged_sessions s WHERE s.id = a.session_id)`,
  'an activity of nobody': `
    SELECT DISTINCT a.user_id::text FROM activity_log a WHERE a.user_id IS NOT NULL
      -- A sweep does not know the name of a guest, whose arrival may have been killed before it was written down.
      AND a.activity_type NOT IN ('user_left', 'user_timeout')
      AND NOT EXISTS (SELECT FROM users u WHERE u.id = a.user_id)
      AND NOT EXISTS (SELECT FROM activity_log b WHERE b.user_id = a.user_id AND b.username = 'Guest')`,
  'a seal of no activity': `
    SELECT activity_id::text FROM activity_seals s
    WHERE NOT EXISTS (SELECT FROM activity_log a WHERE a.id = s.activity_id AND a.session_id = s.session_id)`,
  'an activity without a seal': `
    SELECT a.id::text FROM activity_log a
    WHERE NOT EXISTS (SELECT FROM activity_seals s WHERE s.activity_id = a.id)`,
  'an activity past its retention': `SELECT id::text FROM activity_log WHERE created_at < now() - interval '91 days'`,
  'an invite used too often': `SELECT id::text FROM session_invites WHERE uses > max_uses`,
  'an end without a time': `
    SELECT id::text FROM collaboration_sessions WHERE (status = 'active') <> (end_time IS NULL)`,
} as const;

/** Everything that is wrong after a campaign, a sentence each; empty where every promise held. */
export async function faultsOf(left: Aftermath): Promise<string[]> {
  const faults = [...left.seen, ...left.bugs];
  for (const [what, query] of Object.entries(queries)) {
    const { rows } = await left.database.query<Record<string, string>>(query);
    faults.push(...rows.map((row) => `${what}: ${Object.values(row)[0]}`));
  }
  faults.push(...(await missingFacts(left)), ...(await storyFaults(left)), ...frameFaults(left.frames, left.cut));
  faults.push(...(await chainFaults(left)), ...(await absenceFaults(left)));
  return faults;
}

async function chainFaults({ database }: Aftermath): Promise<string[]> {
  const logger = new ActivityLogger({ pool: database });
  const faults: string[] = [];
  for (const sessionId of await new ChainVerifier(database).sessionIds()) {
    const { valid, broken } = await logger.verifyChain(sessionId);
    if (!valid) faults.push(`the chain of ${sessionId} is broken: ${JSON.stringify(broken)}`);
  }
  return faults;
}

/** Whoever holds a place is present, and whoever is present holds a place. */
async function absenceFaults({ database, redis }: Aftermath): Promise<string[]> {
  const { rows } = await database.query<{ id: string; people: string[] }>(`
    SELECT s.id, array_remove(array_agg(p.person_id::text), NULL) AS people FROM collaboration_sessions s
    LEFT JOIN session_participants p ON p.session_id = s.id AND p.left_at IS NULL GROUP BY s.id`);
  const faults: string[] = [];
  for (const { id, people } of rows) {
    const present = await redis.zrange(presenceKeys.users(id), '0', '-1');
    for (const one of people) if (!present.includes(one)) faults.push(`${one} holds a place in ${id} and is not there`);
    for (const one of present) if (!people.includes(one)) faults.push(`${one} is in ${id} and holds no place`);
  }
  return faults;
}
