import type { PresenceUser } from '../../protocol/entities.ts';
import { limits } from '../../protocol/limits.ts';

/** Bytes reserved in each part for everything but its users: a type, ids and numbers. */
const envelopeBytes = 768;

/**
 * Splits the users of a snapshot so that each part fits into a frame of 32 KB (rule DE7). If all users fit into one frame,
 * there is one part. A part holds at least one user.
 *
 * @param firstBytes size of the other content of the first frame: the answer to a join also contains the session and its
 *   metadata.
 */
export function splitUsers(users: readonly PresenceUser[], firstBytes = 0): PresenceUser[][] {
  const parts: PresenceUser[][] = [[]];
  let size = 0;
  for (const user of users) {
    const bytes = Buffer.byteLength(JSON.stringify(user)) + 1;
    const room = limits.messageBytes - envelopeBytes - (parts.length === 1 ? firstBytes : 0);
    if (size + bytes > room && size > 0) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)!.push(user);
    size += bytes;
  }
  return parts;
}
