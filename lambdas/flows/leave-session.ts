import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { presence } from '../runtime/presence.ts';
import { announce } from './announce.ts';
import { actorOf } from './audit.ts';
import { recordDeparture } from './departures.ts';
import { notInSession, sessionIdOf } from './session-ids.ts';
import { expectVisit } from './sweep-waker.ts';

/**
 * The caller's connection leaves at once (rule PR7); the user leaves with their last one. It is written down before it is
 * told.
 *
 * @returns the session's UUID.
 * @throws RollcallError NOT_IN_SESSION for a connection that has not joined.
 */
export async function leaveSession(caller: Caller, sessionRef: string): Promise<string> {
  const { connectionId, userId } = caller;
  const sessionId = await sessionIdOf(caller, sessionRef);
  if (!(await registry().membership(connectionId, sessionId))) throw notInSession();
  const at = Date.now();
  const outcome = await presence().store.depart({ sessionId, userId, connectionId }, 'left', at);
  await registry().leave(connectionId, sessionId);
  const own = outcome.leaves.find((leave) => leave.userId === userId);
  if (own) await recordDeparture(sessionId, { ...own, at }, actorOf(caller, sessionId));
  if (outcome.leaves.length > 0) await expectVisit(sessionId, at);
  await announce(sessionId, outcome);
  return sessionId;
}
