import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Message } from '../../../protocol/messages.ts';
import type { Seat } from '../../presence/presence-store.ts';
import type { Services } from '../../services/services.ts';
import { refusals } from '../../sessions/refusals.ts';
import type { Caller } from '../callers/caller.ts';
import { roleByClaim } from '../callers/role-by-claim.ts';
import { sessionIdOf } from '../callers/session-ids.ts';
import { endGoneReceivers } from '../connections/end-gone.ts';
import { seated } from './sign-of-life.ts';

/**
 * Sends an event to all other connections in a session, or to those of the users that it names, at most once to each (rule
 * DE11). The event is neither stored nor logged. One round trip to Redis tells who receives it.
 *
 * @throws RollcallError PERMISSION_DENIED for a viewer, RATE_LIMITED, NOT_IN_SESSION.
 */
export async function broadcastEvent(
  services: Services,
  caller: Caller,
  { sessionId: reference, event, payload, to }: Omit<Message<'broadcast'>, 'requestId'>,
): Promise<void> {
  const sessionId = await sessionIdOf(services, caller, reference);
  const { userId, connectionId } = caller;
  const seat: Seat = { sessionId, userId, connectionId };
  const named = to?.map((each) => each.toLowerCase());
  const claimedRole = await roleByClaim(services, caller, sessionId);
  const addressed = await seated(services, caller, seat, (now) =>
    services.presence.store.address(seat, named, now, claimedRole),
  );
  if (!addressed.isPermitted) throw refusals.notAllowed('comment');
  const { receivers } = addressed;
  const frame: ServerFrame = { type: 'broadcast', sessionId, userId, event, payload, at: services.clock() };
  const connectionIds = receivers.map((receiver) => receiver.connectionId);
  const { gone } = await services.broadcaster.broadcast(connectionIds, frame, { kind: 'event' });
  await endGoneReceivers(services, sessionId, receivers, gone);
}
