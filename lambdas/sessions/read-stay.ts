import type { LeaveCause, Role } from '../../protocol/entities.ts';
import type { Queryable } from '../platform/database.ts';

/** A person's stay in a session. */
export interface Stay {
  role: Role;
  /** Why the stay ended; null while the person holds the slot. */
  leftCause: LeaveCause | null;
}

/** Unlike the statements of the owner's decisions, it does not take the user for the guest who they were. */
const select = `
  SELECT p.role, p.left_cause AS "leftCause" FROM session_participants p
  WHERE p.session_id = $1 AND p.person_id = $2
  ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1`;

/** The newest stay of a person in a session (UUIDs). Undefined if there is none, or if it is that of a user since a sign-in. */
export async function readStay(database: Queryable, sessionId: string, personId: string): Promise<Stay | undefined> {
  const { rows } = await database.query<Stay>({ name: 'stay', text: select, values: [sessionId, personId] });
  return rows[0];
}
