import type { Listener } from './attendee.ts';

/** What one member of a crowd received. */
export interface Heard extends Listener {
  /** Attempts to connect and join, including failed ones. */
  attempts: number;
  /** Reasons of refused handshakes. */
  refusals: string[];
  /** Frames by type, and their total bytes. */
  frames: Map<string, number>;
  bytes: number;
  /** Posts (diffs, snapshots and cursors) by second of arrival, Unix time. */
  posts: Map<number, number>;
  largestFrame: number;
  joins: number;
  leaves: number;
  errors: string[];
  oddities: string[];
  /** Time from their own connect until the state is complete. */
  joinedMillis: number;
}

/** Frame types that are posted. The others are route responses. */
const posted = new Set<string>(['presence_diff', 'presence_state', 'cursors']);

/** Creates a listener that counts. */
export function hearing(): Heard {
  const heard: Heard = {
    attempts: 0,
    refusals: [],
    frames: new Map(),
    bytes: 0,
    posts: new Map(),
    largestFrame: 0,
    joins: 0,
    leaves: 0,
    errors: [],
    oddities: [],
    joinedMillis: 0,
    odd: (sentence) => heard.oddities.push(sentence),
    heard(frame, bytes) {
      const type = frame.type ?? 'of the gateway';
      count(heard.frames, type);
      heard.bytes += bytes;
      heard.largestFrame = Math.max(heard.largestFrame, bytes);
      if (posted.has(type)) count(heard.posts, Math.floor(Date.now() / 1000));
      if (frame.type === 'error') heard.errors.push(frame.code);
      if (frame.type !== 'presence_diff') return;
      heard.joins += frame.joins.length;
      heard.leaves += frame.leaves.length;
    },
  };
  return heard;
}

/** The number of frames of a type that all members received together. */
export function framesHeard(heard: Heard[], type: string): number {
  return heard.reduce((sum, one) => sum + (one.frames.get(type) ?? 0), 0);
}

/** The largest number of posts in one second. */
export function busiestSecond(heard: Heard[]): number {
  const together = new Map<number, number>();
  for (const { posts } of heard) for (const [second, many] of posts) count(together, second, many);
  return Math.max(0, ...together.values());
}

function count<K>(counts: Map<K, number>, what: K, by = 1): void {
  counts.set(what, (counts.get(what) ?? 0) + by);
}
