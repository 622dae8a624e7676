import type { ServerFrame } from '../../protocol/frames.ts';
import { inParallel } from '../platform/in-parallel.ts';
import type { Gateway, PostResult } from './gateway.ts';

export interface BroadcastResult {
  delivered: number;
  /** Connections that answered 410: they have ended. */
  gone: string[];
  /** Connections that did not receive the frame, even after the retries. */
  failed: string[];
  /** How many posts were answered with 429; repeated posts count too. */
  throttled: number;
}

/**
 * A `state` frame is sent again after a 429 or a 5xx. A `cursor` frame is not, because the next cursor replaces it (rule
 * DE6). Both are sent again at once if the HTTP connection ended before an answer. An `event` frame never is, because it
 * arrives at most once (rule DE11).
 */
export type FrameKind = 'state' | 'cursor' | 'event';

/** The bytes for one connection. Receivers of the same frame share the same bytes. */
export interface Post {
  connectionId: string;
  bytes: Uint8Array;
}

/** The maximum number of posts in flight. More would only wait for a socket. */
const parallelPosts = 64;
/** Results after which a `state` frame is sent again. */
const retryable: readonly PostResult[] = ['throttled', 'failed', 'unanswered'];
/** Upper limits of the random waits before a `state` frame is tried again, in milliseconds. */
const retryWaits = [50, 150, 400];

type Wait = (millis: number) => Promise<void>;
const sleep: Wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/**
 * Sends frames to many connections in parallel. It encodes a frame once; a failed post does not delay the others (rule
 * DE5).
 */
export class Broadcaster {
  readonly #gateway: Gateway;
  readonly #wait: Wait;
  readonly #random: () => number;

  constructor(gateway: Gateway, options: { wait?: Wait; random?: () => number } = {}) {
    this.#gateway = gateway;
    this.#wait = options.wait ?? sleep;
    this.#random = options.random ?? Math.random;
  }

  /** Sends one frame to all given connections. It never throws: a failed post is part of the result. */
  async broadcast(
    connectionIds: readonly string[],
    frame: ServerFrame,
    options: { kind: FrameKind },
  ): Promise<BroadcastResult> {
    const bytes = encodeFrame(frame);
    return this.post(
      connectionIds.map((connectionId) => ({ connectionId, bytes })),
      options,
    );
  }

  /** Sends to each connection its own bytes. It never throws. */
  async post(posts: readonly Post[], options: { kind: FrameKind }): Promise<BroadcastResult> {
    const result: BroadcastResult = { delivered: 0, gone: [], failed: [], throttled: 0 };
    await inParallel(posts, parallelPosts, async (post) => {
      const outcome = await this.#deliver(post, options.kind, result);
      if (outcome === 'delivered') result.delivered += 1;
      else if (outcome === 'gone') result.gone.push(post.connectionId);
      else result.failed.push(post.connectionId);
    });
    return result;
  }

  async #deliver({ connectionId, bytes }: Post, kind: FrameKind, result: BroadcastResult): Promise<PostResult> {
    const waits = kind === 'state' ? retryWaits : [];
    for (let attempt = 0; ; attempt += 1) {
      let outcome = await this.#gateway.post(connectionId, bytes);
      // The API may close an idle HTTP connection at the moment of its use, in particular while this environment is frozen.
      // The wait lets the event loop notice other closed connections.
      if (outcome === 'unanswered' && attempt === 0 && kind !== 'event') {
        await this.#wait(0);
        outcome = await this.#gateway.post(connectionId, bytes);
      }
      if (outcome === 'throttled') result.throttled += 1;
      const upTo = waits[attempt];
      if (upTo === undefined || !retryable.includes(outcome)) return outcome;
      await this.#wait(upTo * this.#random());
    }
  }
}

const utf8 = new TextEncoder();

/** The bytes of a frame on the wire. */
export function encodeFrame(frame: ServerFrame): Uint8Array {
  return utf8.encode(JSON.stringify(frame));
}
