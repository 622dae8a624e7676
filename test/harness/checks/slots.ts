import type { Pool } from 'pg';

/** Who holds a slot in a session, and who is present there. */
export interface Occupancy {
  sessionId: string;
  holders: readonly string[];
  present: readonly string[];
}

/** The user ids that hold a slot, by session. A session without slots has an empty list. */
export async function slotHolders(database: Pool, sessionIds?: readonly string[]): Promise<Map<string, string[]>> {
  const { rows } = await database.query<{ id: string; holders: string[] }>(
    `SELECT s.id, array_remove(array_agg(p.person_id::text), NULL) AS holders FROM collaboration_sessions s
     LEFT JOIN session_participants p ON p.session_id = s.id AND p.left_at IS NULL
     WHERE $1::uuid[] IS NULL OR s.id = ANY($1) GROUP BY s.id`,
    [sessionIds ?? null],
  );
  return new Map(rows.map(({ id, holders }) => [id, holders]));
}

/** Checks that exactly the present users hold a slot (rule SE3). */
export function slotFaults({ sessionId, holders, present }: Occupancy): string[] {
  return [
    ...holders
      .filter((one) => !present.includes(one))
      .map((one) => `${one} holds a slot in ${sessionId} and is not present`),
    ...present
      .filter((one) => !holders.includes(one))
      .map((one) => `${one} is present in ${sessionId} and holds no slot`),
  ];
}
