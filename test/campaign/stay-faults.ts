import { presenceKeys } from '../../lambdas/presence/keys.ts';
import type { Aftermath } from './campaign.ts';

interface Movement {
  session_id: string;
  user_id: string;
  activity_type: 'user_joined' | 'user_left' | 'user_timeout';
  cause: string | null;
  created_at: Date;
}

/**
 * The faults of stays in the audit trail (rules PR9, PR10). Each stay must begin once and end once before the next one begins. The
 * last stay of a user must be open exactly if the user is present.
 */
export async function stayFaults({ database, redis }: Aftermath): Promise<string[]> {
  const { rows } = await database.query<Movement>(
    `SELECT session_id, user_id, activity_type, details->>'cause' AS cause, created_at FROM activity_log
     WHERE activity_type IN ('user_joined', 'user_left', 'user_timeout') ORDER BY created_at, id`,
  );
  const histories = Map.groupBy(rows, (row) => `${row.user_id} in ${row.session_id}`);
  const faults = [...histories].map(async ([who, movements]) => {
    const { session_id: sessionId, user_id: userId } = movements[0]!;
    const isPresent = (await redis.zscore(presenceKeys.users(sessionId), userId)) !== null;
    const fault = storyFault(movements, isPresent);
    return fault
      ? [`${who} ${fault}: ${movements.map(inWords).join(', ')}; ${await slotOf(database, movements[0]!)}`]
      : [];
  });
  return (await Promise.all(faults)).flat();
}

/** The row of the slot in PostgreSQL, to explain a fault. */
async function slotOf(database: Aftermath['database'], { session_id: sessionId, user_id: userId }: Movement) {
  const { rows } = await database.query(
    `SELECT s.status, p.joined_at, p.last_joined_at, p.last_seen_at, p.left_at, p.left_cause
     FROM session_participants p JOIN collaboration_sessions s ON s.id = p.session_id
     WHERE p.session_id = $1 AND p.person_id = $2 ORDER BY p.joined_at`,
    [sessionId, userId],
  );
  return rows.map((row) => JSON.stringify(row)).join(' ');
}

function inWords({ activity_type: type, cause, created_at: at }: Movement): string {
  return `${at.toISOString().slice(14, -1)} ${type} ${cause ?? ''}`;
}

function storyFault(movements: readonly Movement[], isPresent: boolean): string | undefined {
  let here = false;
  for (const { activity_type: type } of movements) {
    const comes = type === 'user_joined';
    if (comes === here) return here ? 'joined twice' : 'left without a join';
    here = comes;
  }
  if (here === isPresent) return undefined;
  return here ? 'has no leave in the trail and is not present' : 'is present and has a leave in the trail';
}
