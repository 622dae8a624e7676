import type { Queryable } from '../platform/database.ts';
import { time } from './sql-times.ts';

/** A leave that is recorded late. Times are Unix milliseconds. */
export interface SlotRelease {
  sessionId: string;
  personId: string;
  cause: string;
  /** A person who joined again after this time keeps the slot. */
  joinedUntil: number;
}

/** The rows are locked in one order, so that two such statements never deadlock. */
const leave = `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::float8[]) AS g (session_id, person_id, cause, joined_until)
  ), locked AS (
    SELECT p.id, given.cause FROM session_participants p
    JOIN given ON given.session_id = p.session_id AND given.person_id = p.person_id
    WHERE p.left_at IS NULL AND coalesce(p.last_joined_at, p.joined_at) <= ${time('given.joined_until')}
    ORDER BY p.id FOR NO KEY UPDATE OF p
  )
  UPDATE session_participants p SET left_at = greatest(p.joined_at, ${time('$5')}), left_cause = locked.cause
  FROM locked WHERE p.id = locked.id AND p.left_at IS NULL`;

/** Gives back the slots of many people with one statement. */
export async function releaseSlots(database: Queryable, leaves: readonly SlotRelease[], now: number): Promise<void> {
  if (leaves.length === 0) return;
  await database.query({
    name: 'participants-leave',
    text: leave,
    values: [
      leaves.map(({ sessionId }) => sessionId),
      leaves.map(({ personId }) => personId),
      leaves.map(({ cause }) => cause),
      leaves.map(({ joinedUntil }) => joinedUntil),
      now,
    ],
  });
}
