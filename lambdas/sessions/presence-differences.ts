import type { Role, SessionStatus } from '../../protocol/entities.ts';
import type { Queryable } from '../platform/database.ts';
import { time } from './sql-times.ts';
import type { LastSeenUpdate } from './touch-sessions.ts';

/**
 * A guest who signed in holds no slot from the transaction on. The user takes over their presence shortly after it. The role of an
 * access claim is that of the connection, so presence may show another one.
 */
const select = `
  WITH seen AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::float8[], $4::text[]) AS g (session_id, person_id, at, role)
  )
  SELECT seen.session_id AS "sessionId", seen.person_id AS "personId", s.status,
    coalesce(p.left_cause = 'removed', false) AS removed, CASE WHEN p.left_at IS NULL THEN p.role END AS role
  FROM seen JOIN collaboration_sessions s ON s.id = seen.session_id
  JOIN LATERAL (
    SELECT * FROM session_participants p WHERE p.session_id = seen.session_id AND p.person_id = seen.person_id
    ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1
  ) p ON CASE
    WHEN p.left_at IS NULL THEN p.role <> seen.role AND NOT p.by_claim
    WHEN p.left_cause = 'signed_in' THEN p.left_at + interval '30 seconds' < ${time('seen.at')}
    ELSE p.left_at < ${time('seen.at')} END`;

/** A user who was seen in a session, with a presence that PostgreSQL contradicts. */
export interface PresenceDifference {
  sessionId: string;
  personId: string;
  status: SessionStatus;
  removed: boolean;
  /** The present role of a user who is shown with another one. Null if they hold no slot. */
  role: Role | null;
}

/** A user who was seen in a session, with the role that is shown. */
export interface SeenPerson extends LastSeenUpdate {
  role?: Role | undefined;
}

/** The users who held no slot when they were seen, and hold none now, and those who now have another role. */
export async function presenceDifferences(
  database: Queryable,
  seen: readonly SeenPerson[],
): Promise<PresenceDifference[]> {
  const { rows } = await database.query<PresenceDifference>({
    name: 'presence-differences',
    text: select,
    values: [
      seen.map(({ sessionId }) => sessionId),
      seen.map(({ personId }) => personId),
      seen.map(({ at }) => at),
      seen.map(({ role }) => role ?? null),
    ],
  });
  return rows;
}
