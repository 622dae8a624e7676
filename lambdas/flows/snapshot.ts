import type { ServerFrames } from '../../protocol/frames.ts';
import type { Seat } from '../presence/presence-store.ts';
import type { Caller } from '../runtime/caller.ts';
import { presence } from '../runtime/presence.ts';
import { announce } from './announce.ts';
import { sessionIdOf } from './session-ids.ts';
import { seated } from './sign-of-life.ts';
import { expectVisit } from './sweep-waker.ts';

/**
 * The whole state of a session for a connection that joined it. What is overdue ends here, so nobody is shown who is
 * gone (rule PR6); writing those leaves down is the sweep's.
 */
export async function snapshotFor(caller: Caller, sessionRef: string): Promise<ServerFrames['presence_state']> {
  const sessionId = await sessionIdOf(caller, sessionRef);
  const seat: Seat = { sessionId, userId: caller.userId, connectionId: caller.connectionId };
  const outcome = await seated(caller, seat, (now) => presence().store.list(sessionId, now, seat));
  if (outcome.leaves.length > 0) await expectVisit(sessionId, Date.now());
  await announce(sessionId, outcome);
  return { sessionId, epoch: outcome.epoch, seq: outcome.seq, users: outcome.users };
}
