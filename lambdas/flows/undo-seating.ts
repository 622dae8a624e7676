import type { Membership } from '../delivery/connection-registry.ts';
import type { EndOutcome } from '../presence/outcome.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { log } from '../runtime/log.ts';
import { presence } from '../runtime/presence.ts';
import { sessions } from '../runtime/sessions.ts';
import { announce } from './announce.ts';
import { actorOf } from './audit.ts';
import { recordOrLeaveToSweep } from './departures.ts';
import { expectVisit } from './sweep-waker.ts';

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
  else if (activated) await giveBackUnused(membership);
  if (outcome) await announce(sessionId, outcome);
}

/** Gives the slot in a session back that a join took, unless the user is there by another seat. */
export async function giveBackUnused(membership: Membership): Promise<void> {
  if (await isPresent(membership)) return;
  await sessions().leaveSession(membership.sessionId, membership.userId, 'disconnected');
}

/** Undefined where Redis does not say: then it is the place that counts. */
async function depart(membership: Membership): Promise<EndOutcome | undefined> {
  return presence()
    .store.depart(membership, 'disconnected', Date.now(), membership.frame)
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
