import type { Timings } from '../../protocol/timings.ts';
import type { Queryable } from '../platform/database.ts';
import { JoinGate, type JoinResult } from './join-gate.ts';
import { refusals } from './refusals.ts';
import { SessionRepository } from './session-repository.ts';

/** An agent that asks for a slot. */
export interface AgentPerson {
  /** The id that the service derived from the agent's name. */
  agentId: string;
  name: string;
  /** The user for whom it acts. */
  onBehalfOf?: string | undefined;
}

/** The session is locked first, as every join does. Then a removal of the agent waits, or is seen. */
const lock = `SELECT FROM collaboration_sessions WHERE id = $1 FOR NO KEY UPDATE`;
const check = `
  SELECT EXISTS (SELECT FROM users u WHERE u.id = $2) AS "isUser", coalesce((
    SELECT p.left_cause = 'removed' FROM session_participants p WHERE p.session_id = $1 AND p.person_id = $2
    ORDER BY p.left_at IS NULL DESC, p.joined_at DESC LIMIT 1 FOR NO KEY UPDATE), false) AS "isRemoved"`;
const mark = `
  UPDATE session_participants SET kind = 'agent', on_behalf_of = $3
  WHERE session_id = $1 AND person_id = $2 AND left_at IS NULL`;

/** The slots of agents. An agent takes a slot like everybody, so there is one limit (rule SA8). */
export class AgentSlots {
  readonly #database: Queryable;
  readonly #gate: JoinGate;

  /** @param database one connection with an open transaction. */
  constructor(database: Queryable, { sessionTimeoutMillis }: Pick<Timings, 'sessionTimeoutMillis'>) {
    this.#database = database;
    this.#gate = new JoinGate(new SessionRepository(database), () => [], sessionTimeoutMillis);
  }

  /**
   * Takes the slot of an agent, unless it holds one. The caller checks who may do that.
   *
   * @param sessionId UUID.
   * @throws RollcallError SESSION_NOT_FOUND, SESSION_INACTIVE, SESSION_FULL; PERMISSION_DENIED if the agent was removed from the
   *   session, or if its id is that of a user.
   */
  async take(sessionId: string, { agentId, name, onBehalfOf }: AgentPerson, now: number): Promise<JoinResult> {
    await this.#database.query(lock, [sessionId]);
    const { rows } = await this.#database.query<{ isUser: boolean; isRemoved: boolean }>(check, [sessionId, agentId]);
    if (rows[0]!.isUser) throw refusals.idOfUser();
    if (rows[0]!.isRemoved) throw refusals.agentRemoved();
    const joined = await this.#gate.grant(sessionId, { anonymousId: agentId, name }, { role: null }, now);
    await this.#database.query(mark, [sessionId, agentId, onBehalfOf ?? null]);
    return joined;
  }
}
