import type { Session } from '../../../protocol/entities.ts';
import { displayName } from '../../../protocol/names.ts';
import { serverLimits } from '../../../protocol/server-api.ts';
import type { AgentMark } from '../../connections/connection-registry.ts';
import { Overtaken } from '../../platform/turn.ts';
import { type AgentState, AgentStore } from '../../presence/agent-store.ts';
import { agentConnection } from '../../presence/seat.ts';
import type { Services } from '../../services/services.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { announceRevival } from '../liveness/announce-liveness.ts';
import { announce } from '../presence/announce.ts';
import { rememberData } from '../presence/remember-data.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { runJoin } from '../seating/seat-connection.ts';
import { agentUserId, callerOf } from './agent.ts';
import { keepLease } from './keep-lease.ts';
import type { Program } from './program.ts';

/** What a program asks for an agent. */
export interface AgentRequest extends Omit<AgentState, 'leaseUntil'> {
  leaseSeconds?: number | undefined;
}

/** An agent after the request. */
export interface AgentAnswer {
  agentId: string;
  userId: string;
  /** Unix milliseconds. */
  leaseUntil: number;
  /** Whether the agent was not present before. */
  joined: boolean;
}

/** How often a request tries again if another request for the same agent is served at the same time. */
const mostAttempts = 4;

/**
 * Makes an agent present in a session, or renews its lease, and sets what others see of it (rule SA7). Of two requests for one agent the
 * one that Redis serves last decides.
 *
 * @throws RollcallError as `AgentSlots.take` does for an agent that is not present; UNAVAILABLE while Redis is away, and for an agent
 *   that is not present while another store is; TOO_LARGE if it would have too much data.
 */
export async function setAgent(
  services: Services,
  program: Program,
  session: Pick<Session, 'id'>,
  agentId: string,
  { leaseSeconds = serverLimits.leaseSeconds.usual, ...asked }: AgentRequest,
): Promise<AgentAnswer> {
  const given = { ...asked, onBehalfOf: asked.onBehalfOf?.toLowerCase() ?? asked.onBehalfOf };
  const name = given.name === undefined ? undefined : displayName(given.name) || undefined;
  for (let attempt = 1; ; attempt += 1) {
    const state: AgentState = { ...given, name, leaseUntil: Math.round(services.clock() + leaseSeconds * 1000) };
    const answer = { agentId, userId: agentUserId(agentId), leaseUntil: state.leaseUntil };
    if (await renew(services, program, session.id, agentId, state)) return { ...answer, joined: false };
    try {
      await join(services, program, session.id, agentId, state);
      return { ...answer, joined: true };
    } catch (error) {
      // Another request for this agent joined at the same time.
      if (!(error instanceof Overtaken) || attempt === mostAttempts) throw error;
    }
  }
}

/** @returns false if the agent is not present. */
async function renew(
  services: Services,
  program: Program,
  sessionId: string,
  agentId: string,
  state: AgentState,
): Promise<boolean> {
  const store = new AgentStore(services.redis, services.timings);
  const userId = agentUserId(agentId);
  const run = () => store.renew(sessionId, userId, state, services.clock());
  let outcome = await run();
  if (!outcome && !(await services.presence.store.isKnown(sessionId))) {
    // Redis lost the session. The connection table knows who is in it.
    await rebuildSession(services, sessionId, { onlyIfLost: true });
    outcome = await run();
  }
  if (!outcome) return false;
  const seat = { sessionId, userId, connectionId: agentConnection(userId) };
  const { changedData, renewedAt, onBehalfOf } = outcome;
  const mark = { ...markOf(program, { ...state, onBehalfOf }), renewedAt };
  await Promise.all([
    keepLease(services, program, seat, { ...mark, name: outcome.name, actsSince: outcome.actsSince }),
    scheduleVisit(services, sessionId, state.leaseUntil),
    announce(services, sessionId, outcome),
    changedData && rememberData(services, seat, changedData),
  ]);
  return true;
}

async function join(
  services: Services,
  program: Program,
  sessionId: string,
  agentId: string,
  { cursor, ...state }: AgentState,
): Promise<void> {
  const name = state.name ?? (displayName(agentId) || 'Agent');
  const mark = markOf(program, state);
  const caller = callerOf(program, agentId, name, mark);
  const person = { agentId: caller.userId, name, onBehalfOf: mark.onBehalfOf };
  const { status, activity, data } = state;
  const takeSlot = async () => {
    const slot = await services.database.transaction((client) =>
      services.agentsOn(client).take(sessionId, person, Math.trunc(services.clock())),
    );
    if (slot.revived) await announceRevival(services, slot.session);
    return { ...slot, ownState: { status, activity, data } };
  };
  await runJoin(services, caller, takeSlot);
  await scheduleVisit(services, sessionId, state.leaseUntil);
  // A join carries no cursor.
  if (cursor) await renew(services, program, sessionId, agentId, { leaseUntil: state.leaseUntil, cursor });
}

function markOf({ key }: Program, { onBehalfOf, leaseUntil }: AgentState): AgentMark {
  return { ...(onBehalfOf ? { onBehalfOf } : {}), keyId: key.id, leaseUntil };
}
