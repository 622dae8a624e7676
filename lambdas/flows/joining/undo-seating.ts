import type { Membership } from '../../connections/connection-registry.ts';
import { log } from '../../platform/log.ts';
import type { EndOutcome } from '../../presence/outcome.ts';
import { registry } from '../../services/delivery.ts';
import { presence } from '../../services/presence.ts';
import { sessions } from '../../services/sessions.ts';
import type { Caller } from '../callers/caller.ts';
import { actorOf } from '../journal/audit.ts';
import { recordOrLeaveToSweep } from '../journal/departures.ts';
import { announce } from '../presence/announce.ts';
import { expectVisit } from '../scheduling/sweep-waker.ts';

/**
 * Takes back what a join did before it failed: the membership, the seat with its leave, and a place that was taken for it
 * (rule FA6). What fails here, too, is left to the sweep, which finds seats without a place and places without a seat.
 *
 * A join may fail long after its client gave up on it and joined again: then everything is that join's.
 */
export async function undoSeating(caller: Caller, membership: Membership, activated: boolean): Promise<void> {
  const { sessionId } = membership;
  const isRejoined = (await attempt(sessionId, () => registry().takeBack(membership))) === false;
  if (isRejoined) return;
  await attempt(sessionId, () => unseat(caller, membership, activated));
  await attempt(sessionId, () => expectVisit(sessionId, Date.now()));
}

async function attempt<T>(sessionId: string, step: () => Promise<T>): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    log.warn('A join that failed could not be undone', { sessionId, error: error as Error });
    return undefined;
  }
}

async function unseat(caller: Caller, membership: Membership, activated: boolean): Promise<void> {
  const { sessionId, userId } = membership;
  const outcome = await depart(membership);
  const own = outcome?.departures.find((departure) => departure.userId === userId);
  if (own) await recordOrLeaveToSweep(sessionId, own, actorOf(caller, sessionId));
  else if (activated && !(await isPresent(membership))) {
    await sessions().leaveSession(sessionId, userId, 'disconnected');
  }
  if (outcome) await announce(sessionId, outcome);
}

/** Undefined where Redis does not say: then it is the place that counts. */
async function depart(membership: Membership): Promise<EndOutcome | undefined> {
  return presence()
    .store.depart(membership, 'disconnected', Date.now())
    .catch((error: Error) => {
      log.warn('A seat could not be ended', { sessionId: membership.sessionId, error });
      return undefined;
    });
}

/** Whether another connection of theirs keeps the place. */
async function isPresent({ sessionId, userId }: Membership): Promise<boolean> {
  return presence()
    .store.isPresent(sessionId, userId)
    .catch(() => false);
}
