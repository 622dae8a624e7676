import type { SessionStatus } from '../../protocol/entities.ts';
import type { Queryable } from '../platform/database.ts';
import { time } from './sql-times.ts';
import type { LastSeenUpdate } from './touch-sessions.ts';

/** A guest who signed in holds no slot from the transaction on. The user takes over their presence shortly after it. */
const select = `
  WITH seen AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::float8[]) AS g (session_id, person_id, at)
  )
  SELECT seen.session_id AS "sessionId", seen.person_id AS "personId", s.status, p.left_cause = 'removed' AS removed
  FROM seen JOIN collaboration_sessions s ON s.id = seen.session_id
  JOIN LATERAL (
    SELECT * FROM session_participants p WHERE p.session_id = seen.session_id AND p.person_id = seen.person_id
    ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1
  ) p ON p.left_at + CASE WHEN p.left_cause = 'signed_in' THEN interval '30 seconds' ELSE interval '0' END < ${time('seen.at')}`;

/** A user who was seen in a session after their slot in it had ended. */
export interface PersonWithoutSlot {
  sessionId: string;
  personId: string;
  status: SessionStatus;
  removed: boolean;
}

/** The users who held no slot when they were seen, and hold none now. */
export async function peopleWithoutSlot(
  database: Queryable,
  updates: readonly LastSeenUpdate[],
): Promise<PersonWithoutSlot[]> {
  const { rows } = await database.query<PersonWithoutSlot>({
    name: 'participants-without-slot',
    text: select,
    values: [
      updates.map(({ sessionId }) => sessionId),
      updates.map(({ personId }) => personId),
      updates.map(({ at }) => at),
    ],
  });
  return rows;
}
