import type { CursorUpdate } from '../../protocol/frames.ts';
import { limits } from '../../protocol/limits.ts';
import type { Post } from './broadcaster.ts';

interface EncodedCursor {
  userId: string;
  bytes: Buffer;
}

const comma = Buffer.from(',');
const end = Buffer.from(']}');

/**
 * Makes the frames of merged cursors: each cursor is encoded once, each receiver gets everybody's but their own, and
 * receivers who are not among the movers share the same bytes (rules DE1, DE2, DE5). A frame over 32 KB is split by
 * members (rule DE7).
 */
export function cursorPosts(
  sessionId: string,
  cursors: readonly CursorUpdate[],
  receivers: readonly { userId: string; connectionId: string }[],
): Post[] {
  const head = Buffer.from(`{"type":"cursors","sessionId":${JSON.stringify(sessionId)},"cursors":[`);
  const encoded = cursors.map((update) => ({ userId: update.userId, bytes: Buffer.from(JSON.stringify(update)) }));
  const movers = new Set(cursors.map((update) => update.userId));
  const framesByMover = new Map<string, Buffer[]>();
  const framesFor = (userId: string): Buffer[] => {
    const key = movers.has(userId) ? userId : '';
    const made =
      framesByMover.get(key) ?? join(head, key === '' ? encoded : encoded.filter((one) => one.userId !== key));
    framesByMover.set(key, made);
    return made;
  };
  return receivers.flatMap(({ userId, connectionId }) => framesFor(userId).map((bytes) => ({ connectionId, bytes })));
}

function join(head: Buffer, cursors: EncodedCursor[]): Buffer[] {
  const frames: Buffer[] = [];
  let pieces: Buffer[] = [];
  let size = head.length + end.length;
  const finish = () => {
    if (pieces.length > 0) frames.push(Buffer.concat([head, ...pieces, end]));
    pieces = [];
    size = head.length + end.length;
  };
  for (const { bytes } of cursors) {
    if (size + bytes.length + 1 > limits.messageBytes) finish();
    if (pieces.length > 0) pieces.push(comma);
    pieces.push(bytes);
    size += bytes.length + 1;
  }
  finish();
  return frames;
}
