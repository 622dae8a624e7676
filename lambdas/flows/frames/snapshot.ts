import type { Seat } from '../../presence/presence-store.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';
import { announce } from '../presence/announce.ts';
import { type Snapshot, sendRest } from '../presence/send-rest.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { seated } from './sign-of-life.ts';

/**
 * The snapshot of a session for a connection that joined it. Overdue users leave first, so the snapshot does not contain
 * them (rule PR6). The sweep records these leaves.
 *
 * @param firstBytes the size of the rest of the answer.
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
