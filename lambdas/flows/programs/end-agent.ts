import type { Session } from '../../../protocol/entities.ts';
import { AgentStore } from '../../presence/agent-store.ts';
import { agentConnection } from '../../presence/seat.ts';
import type { Services } from '../../services/services.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { recordOrLeaveToSweep } from '../journal/departures.ts';
import { announce } from '../presence/announce.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { agentUserId } from './agent.ts';
import type { Program } from './program.ts';

/**
 * Ends the presence of an agent before its lease ends. The leave is recorded before it is announced. A repeat after an error continues
 * where the first attempt stopped.
 *
 * @returns false if the agent was not present.
 * @throws RollcallError UNAVAILABLE while Redis or the connection table is away.
 */
export async function endAgent(
  services: Services,
  { key, ipAddress, userAgent }: Program,
  { id: sessionId }: Pick<Session, 'id'>,
  agentId: string,
): Promise<boolean> {
  const userId = agentUserId(agentId);
  const seat = { sessionId, userId, connectionId: agentConnection(userId) };
  const store = new AgentStore(services.redis, services.timings);
  const membership = await services.registry.membership(seat.connectionId, sessionId);
  const version = membership?.version === undefined ? undefined : membership.version + 1;
  const end = () => store.end({ ...seat, version }, key.id, services.clock());
  let outcome = await end();
  if (!outcome) {
    // Redis lost the session. The index of the table may not show the agent yet.
    await rebuildSession(services, sessionId, { onlyIfLost: true, alsoConnection: membership });
    outcome = await end();
  }
  if (!outcome) return false;
  const own = outcome.departures.find((departure) => departure.userId === userId);
  await Promise.all(
    outcome.departures.map((departure) =>
      recordOrLeaveToSweep(services, sessionId, departure, departure === own ? { ipAddress, userAgent } : undefined),
    ),
  );
  await announce(services, sessionId, outcome);
  // Unless the agent has joined again since then.
  if (membership) await services.registry.takeBack(membership);
  // An earlier attempt, whose answer was lost, may have ended the agent. Then the sweep records that.
  if (!own) await scheduleVisit(services, sessionId, services.clock());
  return own !== undefined;
}
