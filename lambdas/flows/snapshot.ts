import { randomUUID } from 'node:crypto';
import type { ServerFrames } from '../../protocol/frames.ts';
import { splitUsers } from '../delivery/snapshot-frames.ts';
import type { Seat } from '../presence/presence-store.ts';
import type { Caller } from '../runtime/caller.ts';
import { presence } from '../runtime/presence.ts';
import { announce, send } from './announce.ts';
import { sessionIdOf } from './session-ids.ts';
import { seated } from './sign-of-life.ts';
import { expectVisit } from './sweep-waker.ts';

type Snapshot = ServerFrames['presence_state'];

/**
 * The whole state of a session for a connection that joined it. What is overdue ends here, so nobody is shown who is
 * gone (rule PR6); writing those leaves down is the sweep's.
 *
 * @param firstBytes what else is in the answer.
 */
export async function snapshotFor(caller: Caller, sessionRef: string, firstBytes = 0): Promise<Snapshot> {
  const sessionId = await sessionIdOf(caller, sessionRef);
  const seat: Seat = { sessionId, userId: caller.userId, connectionId: caller.connectionId };
  const outcome = await seated(caller, seat, (now) => presence().store.list(sessionId, now, seat));
  if (outcome.leaves.length > 0) await expectVisit(sessionId, Date.now());
  await announce(sessionId, outcome);
  const { epoch, seq, users } = outcome;
  return sendRest(caller, { sessionId, epoch, seq, users }, firstBytes);
}

/**
 * Makes a snapshot fit into the one frame of an answer: what it has no room for is posted as further parts, and the
 * client applies it once it has them all (rule DE7). They carry a name of their own: a request that was given up and sent
 * again has two snapshots on their way, which can have the same number and not the same order or people.
 *
 * @param firstBytes what else is in the answer.
 */
export async function sendRest(caller: Caller, snapshot: Snapshot, firstBytes = 0): Promise<Snapshot> {
  const [first = [], ...rest] = splitUsers(snapshot.users, firstBytes);
  if (rest.length === 0) return snapshot;
  const whole = { ...snapshot, parts: rest.length + 1, snapshotId: randomUUID() };
  await Promise.all(
    rest.map((users, index) => send([caller], { type: 'presence_state', ...whole, users, part: index + 2 })),
  );
  return { ...whole, users: first, part: 1 };
}
