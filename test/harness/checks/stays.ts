import type { Pool } from 'pg';

/** An entry of the audit trail about a join or a leave. */
export interface Movement {
  sessionId: string;
  userId: string;
  type: string;
  /** Why the stay ended. */
  cause?: string | null;
  /** Unix milliseconds. */
  at: number;
}

/** A fault in the audit trail of a user in a session. */
export interface StayFault {
  /**
   * `alternation`: two joins or two leaves follow each other. `beginning`: the first entry is a leave. `end`: the last stay is open
   * although the user is not present, or the other way round.
   */
  kind: 'alternation' | 'beginning' | 'end';
  sessionId: string;
  userId: string;
  sentence: string;
}

/** The movements of these sessions, or of all sessions, in their order. */
export async function readMovements(database: Pool, sessionIds?: readonly string[]): Promise<Movement[]> {
  const { rows } = await database.query<Record<'session_id' | 'user_id' | 'type' | 'cause', string> & { at: Date }>(
    `SELECT session_id, user_id, activity_type AS type, details->>'cause' AS cause, created_at AS at FROM activity_log
     WHERE activity_type IN ('user_joined', 'user_left', 'user_timeout')
       AND ($1::uuid[] IS NULL OR session_id = ANY($1)) ORDER BY created_at, id`,
    [sessionIds ?? null],
  );
  return rows.map(({ session_id: sessionId, user_id: userId, type, cause, at }) => ({
    ...{ sessionId, userId, type, cause, at: at.getTime() },
  }));
}

/**
 * The faults of stays in the audit trail (rules PR9, PR10). Each stay must begin once and end once before the next one begins. If
 * `isPresent` is given, the last stay of a user must be open exactly if the user is present.
 *
 * @param movements in their order.
 */
export function stayFaults(
  movements: readonly Movement[],
  isPresent?: (sessionId: string, userId: string) => boolean,
): StayFault[] {
  const trails = Map.groupBy(movements, ({ sessionId, userId }) => `${userId} in ${sessionId}`);
  return [...trails].flatMap(([who, trail]) => {
    const { sessionId, userId } = trail[0]!;
    const fault = faultOf(trail, isPresent?.(sessionId, userId));
    if (!fault) return [];
    return [{ ...fault, sessionId, userId, sentence: `${who} ${fault.sentence}: ${trail.map(inWords).join(', ')}` }];
  });
}

function faultOf(
  trail: readonly Movement[],
  isPresent: boolean | undefined,
): Pick<StayFault, 'kind' | 'sentence'> | undefined {
  const joins = trail.map(({ type }) => type === 'user_joined');
  const repeated = joins.findIndex((one, place) => place > 0 && one === joins[place - 1]);
  if (repeated >= 0) return { kind: 'alternation', sentence: joins[repeated] ? 'joined twice' : 'left without a join' };
  if (!joins[0]) return { kind: 'beginning', sentence: 'left without a join' };
  const isOpen = joins.at(-1)!;
  if (isPresent === undefined || isOpen === isPresent) return undefined;
  const sentence = isOpen ? 'has no leave in the trail and is not present' : 'is present and has a leave in the trail';
  return { kind: 'end', sentence };
}

function inWords({ type, cause, at }: Movement): string {
  return `${new Date(at).toISOString().slice(14, -1)} ${type} ${cause ?? ''}`.trimEnd();
}
