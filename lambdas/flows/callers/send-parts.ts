import { randomUUID } from 'node:crypto';
import type { Parts, ServerFrame } from '../../../protocol/frames.ts';
import { limits } from '../../../protocol/limits.ts';
import { inGroups } from '../../../protocol/page.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from './caller.ts';
import { postToCaller } from './post-to-caller.ts';

/**
 * Answers with a list of any length. What does not fit into one message is posted as further parts. The client has the list
 * once it has all parts.
 *
 * @param frameOf makes the frame for some of the items; the part is empty if these are all items.
 */
export async function sendParts<T>(
  services: Pick<Services, 'messenger'>,
  caller: Pick<Caller, 'connectionId'>,
  items: readonly T[],
  frameOf: (items: T[], part: Parts) => ServerFrame,
): Promise<ServerFrame> {
  const [first = [], ...rest] = inGroups(items, limits.listBytes);
  if (rest.length === 0) return frameOf(first, {});
  const whole = { parts: rest.length + 1, snapshotId: randomUUID() };
  const posts = rest.map((group, index) =>
    postToCaller(services, caller.connectionId, frameOf(group, { ...whole, part: index + 2 })),
  );
  await Promise.all(posts);
  return frameOf(first, { ...whole, part: 1 });
}
