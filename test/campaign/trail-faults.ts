import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { readMovements, type StayFault, stayFaults } from '../harness/checks/stays.ts';
import type { Aftermath } from './campaign.ts';

/** The faults of stays in the audit trail, each with the rows of the slots. */
export async function trailFaults({ database, redis }: Aftermath): Promise<string[]> {
  const movements = await readMovements(database);
  const sessionIds = [...new Set(movements.map(({ sessionId }) => sessionId))];
  const present = new Map(
    await Promise.all(
      sessionIds.map(async (id) => [id, await redis.zrange(presenceKeys.users(id), '0', '-1')] as const),
    ),
  );
  const faults = stayFaults(movements, (sessionId, userId) => present.get(sessionId)!.includes(userId));
  return Promise.all(
    faults.map(async (fault) => {
      const journal = await redis.lrange(presenceKeys.journal(fault.sessionId), '0', '-1');
      const waiting = journal.filter((movement) => movement.includes(fault.userId));
      return `${fault.sentence}; ${await slotsOf(database, fault)}; in the journal: ${waiting.join(' ') || 'nothing'}`;
    }),
  );
}

/** The rows of the slots in PostgreSQL, to explain a fault. */
async function slotsOf(database: Aftermath['database'], { sessionId, userId }: StayFault): Promise<string> {
  const { rows } = await database.query(
    `SELECT s.status, p.joined_at, p.last_joined_at, p.last_seen_at, p.left_at, p.left_cause
     FROM session_participants p JOIN collaboration_sessions s ON s.id = p.session_id
     WHERE p.session_id = $1 AND p.person_id = $2 ORDER BY p.joined_at`,
    [sessionId, userId],
  );
  return rows.map((row) => JSON.stringify(row)).join(' ');
}
