import { encodeMove, frameHead, tagOf } from '../../protocol/compact.ts';
import type { CursorUpdate } from '../../protocol/frames.ts';
import { limits } from '../../protocol/limits.ts';
import type { Post } from './broadcaster.ts';

/** Cursors to send; see `CursorBatch` of the presence store. */
export interface CursorsToSend {
  epoch: string;
  cursors: readonly (CursorUpdate & { index: number; whole: boolean })[];
  receivers: readonly { userId: string; connectionId: string; compact?: boolean }[];
}

/** One cursor in one form (JSON or compact), encoded once for all receivers. */
interface Piece {
  userId: string;
  text: string;
  bytes: number;
}

/** Makes one frame of the pieces of a form. */
type Join = (pieces: readonly Piece[]) => string;

/**
 * Makes the frames of merged cursors. Each cursor is encoded once per form. Each receiver gets all cursors but their own.
 * Receivers without a cursor in the batch share the same bytes (rules DE1, DE2, DE5). A frame over 32 KB is split (rule
 * DE7).
 */
export function cursorPosts(sessionId: string, { epoch, cursors, receivers }: CursorsToSend): Post[] {
  const json = framesBy(cursors.map(jsonPiece), (pieces) => joinJson(sessionId, pieces));
  const compactMoves = cursors.filter((cursor) => !cursor.whole).map(compactPiece);
  const compactWhole = cursors.filter((cursor) => cursor.whole).map(jsonPiece);
  const compact = framesBy([...compactMoves, ...compactWhole], (pieces) => joinCompact(epoch, pieces));
  return receivers.flatMap((receiver) =>
    (receiver.compact ? compact : json)(receiver.userId).map((bytes) => ({
      connectionId: receiver.connectionId,
      bytes,
    })),
  );
}

/** Returns a function that gives the frames of a receiver. They are made at the first call. */
function framesBy(pieces: readonly Piece[], join: Join): (receiver: string) => Buffer[] {
  const movers = new Set(pieces.map((piece) => piece.userId));
  const made = new Map<string, Buffer[]>();
  return (receiver) => {
    const key = movers.has(receiver) ? receiver : '';
    let frames = made.get(key);
    if (!frames) {
      const others = key === '' ? pieces : pieces.filter((piece) => piece.userId !== key);
      frames = split(others).map((share) => Buffer.from(join(share)));
      made.set(key, frames);
    }
    return frames;
  };
}

function jsonPiece({ userId, cursor, at }: CursorUpdate): Piece {
  return piece(userId, JSON.stringify({ userId, cursor, at }));
}

function compactPiece({ userId, cursor, index }: CursorsToSend['cursors'][number]): Piece {
  return piece(userId, encodeMove(index, tagOf(cursor), cursor));
}

function piece(userId: string, text: string): Piece {
  return { userId, text, bytes: Buffer.byteLength(text) + 1 };
}

/** Bytes of a frame that are reserved for everything but its pieces. */
const reservedBytes = 256;

function split(pieces: readonly Piece[]): Piece[][] {
  const shares: Piece[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const one of pieces) {
    if (size + one.bytes > limits.messageBytes - reservedBytes) {
      shares.push([]);
      size = 0;
    }
    shares.at(-1)!.push(one);
    size += one.bytes;
  }
  return shares;
}

function joinJson(sessionId: string, pieces: readonly Piece[]): string {
  const cursors = pieces.map((one) => one.text).join(',');
  return `{"type":"cursors","sessionId":${JSON.stringify(sessionId)},"cursors":[${cursors}]}`;
}

/** A move begins with its separator, a whole cursor with a brace. */
function joinCompact(epoch: string, pieces: readonly Piece[]): string {
  const whole = pieces.filter((one) => one.text.startsWith('{')).map((one) => one.text);
  const moves = pieces.filter((one) => !one.text.startsWith('{')).map((one) => one.text);
  return `${frameHead(epoch)}${moves.join('')}${whole.length > 0 ? `\n[${whole.join(',')}]` : ''}`;
}
