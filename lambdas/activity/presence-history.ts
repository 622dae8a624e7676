import type { Stay } from '../../protocol/entities.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { checkedTime } from './activity-query.ts';
import { nameOf } from './activity-reader.ts';
import type { Database } from './activity-repository.ts';
import { lastJoinsOf, staysOfPeople } from './stays-sql.ts';

const moment = 'to_timestamp($2::float8 / 1000)';
const endBefore = `max(created_at) FILTER (WHERE created_at <= ${moment})`;
const endAfter = `min(created_at) FILTER (WHERE created_at > ${moment})`;
const endOfSession = (which: string) => `(
  SELECT ${which} FROM activity_log
  WHERE session_id = $1::uuid AND activity_type IN ('session_ended', 'session_expired'))`;
/** Nobody stays beyond an end of the session, so the entries before the last end and after the next one are not read. */
const betweenEnds = `created_at > coalesce(${endOfSession(endBefore)}, '-infinity')
  AND created_at <= coalesce(${endOfSession(endAfter)}, 'infinity')`;

/** Who was present at $2. The end of the stay says when and why they left. */
const whoWasHere = `
  WITH ${staysOfPeople(betweenEnds)}, ${lastJoinsOf(moment)}
  SELECT a.user_id AS "userId", ${nameOf} AS username, a.role, a.kind, a.on_behalf_of AS "onBehalfOf",
    (extract(epoch FROM s.began) * 1000)::float8 AS "joinedAt", (extract(epoch FROM s.ended) * 1000)::float8 AS "leftAt", s.cause
  FROM stays s
  JOIN (SELECT $1::uuid AS session_id, * FROM last_join) a ON a.user_id = s.user_id
  LEFT JOIN users u ON u.id = s.user_id
  WHERE s.began <= ${moment} AND coalesce(s.ended, 'infinity') > ${moment}
  ORDER BY s.began, s.user_id`;

const movementsUntil = (userId: string) => `
  SELECT a.activity_type AS type, a.created_at, a.id, a.details->>'kind' AS kind FROM activity_log a
  WHERE a.session_id = given.session_id AND a.user_id = ${userId}
    AND a.activity_type IN ('user_joined', 'user_left', 'user_timeout')
    AND a.created_at <= coalesce(to_timestamp(given.until / 1000), 'infinity')`;

/**
 * A guest who signed in has no further movements: the user continues the stay. So the sign-in is the last movement of the guest. If the
 * guest was present then, the user is present from then on, and the movement that began the stay is the join of the guest. A leave of
 * the guest before the sign-in says nothing about the user, who may have been present at the same time.
 */
const lastMovements = `
  SELECT given.ordinal::integer AS ordinal, last.type, last.at, last.kind
  FROM unnest($1::uuid[], $2::uuid[], $3::float8[]) WITH ORDINALITY AS given (session_id, user_id, until, ordinal)
  CROSS JOIN LATERAL (
    WITH own AS (${movementsUntil('given.user_id')} ORDER BY a.created_at DESC, a.id DESC LIMIT 1)
    SELECT m.type, (extract(epoch FROM m.created_at) * 1000)::float8 AS at, m.kind
    FROM (
      SELECT *, created_at AS counts_from FROM own
      UNION ALL
      SELECT 'guest_signed_in', g.signed_in_at, NULL, NULL, g.signed_in_at FROM guest_identities g
      WHERE g.session_id = given.session_id AND g.guest_id = given.user_id
        AND g.signed_in_at <= coalesce(to_timestamp(given.until / 1000), 'infinity')
      UNION ALL
      SELECT continued.*, greatest(continued.created_at, g.signed_in_at) FROM guest_identities g
      CROSS JOIN LATERAL (
        ${movementsUntil('g.guest_id')} AND (a.activity_type = 'user_joined' OR a.created_at <= g.signed_in_at)
        ORDER BY a.created_at DESC, a.id DESC LIMIT 1
      ) continued
      WHERE g.user_id = given.user_id AND g.session_id = given.session_id AND continued.type = 'user_joined'
        AND g.signed_in_at <= coalesce(to_timestamp(given.until / 1000), 'infinity')
        AND NOT EXISTS (SELECT FROM own WHERE type = 'user_joined')
    ) m
    ORDER BY m.counts_from DESC, m.id DESC LIMIT 1
  ) last`;

/** Asks for the last movement of a user in a session up to a time (Unix milliseconds). */
export interface MovementQuery {
  sessionId: string;
  userId: string;
  /** Absent: the last movement of all. */
  until?: number | undefined;
}

/** A movement as the audit trail has it. */
export interface Movement {
  type: 'user_joined' | 'user_left' | 'user_timeout' | 'guest_signed_in';
  /** Unix milliseconds. */
  at: number;
  /** `agent` for an agent. */
  kind?: 'agent' | null;
}

/** The columns that only the stays of agents have. */
export interface AgentColumns {
  kind?: 'agent' | null | undefined;
  onBehalfOf?: string | null | undefined;
}

/** The row of a person without the columns of agents. */
export function withoutEmpty<Row extends object>({ kind, onBehalfOf, ...row }: Row & AgentColumns) {
  return { ...row, ...(kind ? { kind } : {}), ...(kind && onBehalfOf ? { onBehalfOf } : {}) };
}

/** Who was present at past times, according to the audit trail. */
export class PresenceHistory {
  readonly #database: Pick<Database, 'query'>;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /**
   * All users who were present at a time (Unix milliseconds), in the order of their joins.
   *
   * @throws RollcallError INVALID_MESSAGE for an invalid time.
   */
  async whoWasHere(sessionId: string, at: number): Promise<Stay[]> {
    if (!isUuid(sessionId)) return [];
    const { rows } = await this.#database.query<AgentColumns & Stay>(whoWasHere, [sessionId, checkedTime(at)]);
    return rows.map(withoutEmpty);
  }

  /**
   * The last movements of many users, in one statement and in the order of the queries; undefined if the trail has none.
   */
  async lastMovements(queries: readonly MovementQuery[]): Promise<(Movement | undefined)[]> {
    if (queries.length === 0) return [];
    const { rows } = await this.#database.query<Movement & { ordinal: number }>({
      name: 'activity-movements',
      text: lastMovements,
      values: [
        queries.map(({ sessionId }) => sessionId),
        queries.map(({ userId }) => userId),
        queries.map(({ until }) => until ?? null),
      ],
    });
    const found: (Movement | undefined)[] = queries.map(() => undefined);
    for (const { ordinal, type, at, kind } of rows) found[ordinal - 1] = { type, at, ...(kind ? { kind } : {}) };
    return found;
  }
}
