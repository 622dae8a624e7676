import { randomUUID } from 'node:crypto';
import type { ServerFrames } from '../../../protocol/frames.ts';
import { splitUsers } from '../../delivery/snapshot-frames.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { send } from './announce.ts';

/** All users of a session, as the protocol sends them. */
export type Snapshot = ServerFrames['presence_state'];

/**
 * Makes a snapshot fit into the frame of an answer. The rest is posted as further parts, and the client applies the snapshot
 * once it has all of them (rule DE7). The parts carry an id of the snapshot: if a client repeats a request that it gave up,
 * two snapshots are on their way, which may have the same number and a different order or other users.
 *
 * @param firstBytes the size of the rest of the answer.
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
