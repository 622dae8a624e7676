import { randomUUID } from 'node:crypto';
import type { ServerFrames } from '../../../protocol/frames.ts';
import { splitUsers } from '../../delivery/snapshot-frames.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { send } from './announce.ts';

/** All users of a session, as the protocol sends them. */
export type Snapshot = ServerFrames['presence_state'];

/**
 * Makes a snapshot fit into the one frame of an answer: what it has no room for is posted as further parts, and the
 * client applies it once it has them all (rule DE7). They carry a name of their own: a request that was given up and sent
 * again has two snapshots on their way, which can have the same number and not the same order or people.
 *
 * @param firstBytes what else is in the answer.
 */
export async function sendRest(
  services: Services,
  caller: Caller,
  snapshot: Snapshot,
  firstBytes = 0,
): Promise<Snapshot> {
  const [first = [], ...rest] = splitUsers(snapshot.users, firstBytes);
  if (rest.length === 0) return snapshot;
  const whole = { ...snapshot, parts: rest.length + 1, snapshotId: randomUUID() };
  await Promise.all(
    rest.map((users, index) => send(services, [caller], { type: 'presence_state', ...whole, users, part: index + 2 })),
  );
  return { ...whole, users: first, part: 1 };
}
