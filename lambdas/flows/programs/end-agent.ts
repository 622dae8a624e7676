import type { Session } from '../../../protocol/entities.ts';
import { agentConnection } from '../../presence/seat.ts';
import type { Services } from '../../services/services.ts';
import { recordOrLeaveToSweep } from '../journal/departures.ts';
import { removeFromSession } from '../leaving/remove-from-session.ts';
import { announce } from '../presence/announce.ts';
import { agentUserId } from './agent.ts';
import type { Program } from './program.ts';

/**
 * Ends the presence of an agent before its lease ends. The leave is recorded before it is announced.
 *
 * @returns false if the agent was not present.
 */
export async function endAgent(
  services: Services,
  { key, ipAddress, userAgent }: Program,
  { id: sessionId }: Pick<Session, 'id'>,
  agentId: string,
): Promise<boolean> {
  const userId = agentUserId(agentId);
  await services.registry.leaveAll([{ connectionId: agentConnection(userId), sessionId }]);
  const outcome = await removeFromSession(services, sessionId, userId, 'agent_ended', services.clock());
  if (!outcome) return false;
  const own = outcome.departures.find((departure) => departure.userId === userId);
  const others = outcome.departures.filter((departure) => departure !== own);
  await Promise.all([
    own && recordOrLeaveToSweep(services, sessionId, { ...own, keyId: key.id }, { ipAddress, userAgent }),
    ...others.map((departure) => recordOrLeaveToSweep(services, sessionId, departure)),
  ]);
  await announce(services, sessionId, outcome);
  return own !== undefined;
}
