import type { Seat } from '../../presence/presence-store.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';
import { announce } from '../presence/announce.ts';
import { type Snapshot, sendRest } from '../presence/send-rest.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { seated } from './sign-of-life.ts';

/**
 * The whole state of a session for a connection that joined it. What is overdue ends here, so nobody is shown who is
 * gone (rule PR6); writing those leaves down is the sweep's.
 *
 * @param firstBytes what else is in the answer.
 */
export async function snapshotFor(
  services: Services,
  caller: Caller,
  sessionRef: string,
  firstBytes = 0,
): Promise<Snapshot> {
  const sessionId = await sessionIdOf(services, caller, sessionRef);
  const seat: Seat = { sessionId, userId: caller.userId, connectionId: caller.connectionId };
  const outcome = await seated(services, caller, seat, (now) => services.presence.store.list(sessionId, now, seat));
  if (outcome.leaves.length > 0) await scheduleVisit(services, sessionId, services.clock());
  await announce(services, sessionId, outcome);
  const { epoch, seq, users } = outcome;
  return sendRest(services, caller, { sessionId, epoch, seq, users }, firstBytes);
}
