import type { PresenceUser } from '../../protocol/entities.ts';
import { limits } from '../../protocol/limits.ts';

/** Room for everything of the first frame but its users: ids, numbers, and the session of `session_joined` with its metadata. */
const answerBytes = 10 * 1024;
/** The same for the parts that follow: a type, ids and numbers. */
const partBytes = 512;

/**
 * Splits the users of a snapshot so that each part fits into a frame of 32 KB (rule DE7); one part where they do. A part
 * holds at least one user.
 */
export function splitUsers(users: readonly PresenceUser[]): PresenceUser[][] {
  const parts: PresenceUser[][] = [[]];
  let size = 0;
  for (const user of users) {
    const bytes = Buffer.byteLength(JSON.stringify(user)) + 1;
    const room = limits.messageBytes - (parts.length === 1 ? answerBytes : partBytes);
    if (size + bytes > room && size > 0) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)!.push(user);
    size += bytes;
  }
  return parts;
}
