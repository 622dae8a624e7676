import type { ServerFrame } from '../../protocol/frames.ts';
import type { Gateway, PostResult } from './gateway.ts';

export interface BroadcastResult {
  delivered: number;
  /** Connections that answered 410: they have ended. */
  gone: string[];
  /** Connections that did not take the frame although it was tried again. */
  failed: string[];
}

export interface BroadcastOptions {
  /**
   * `state` is tried again after a 429 or a 5xx, `cursor` never: the next one replaces it anyway (rule DE6).
   */
  kind: 'state' | 'cursor';
}

/** Posts in flight at once for one frame; more would only queue at the sockets. */
const parallelPosts = 64;
/** Upper ends of the random waits before a frame of state is tried again, in milliseconds. */
const retryWaits = [50, 150, 400];

type Wait = (millis: number) => Promise<void>;
const sleep: Wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** Sends one frame to many connections: encoded once, in parallel, none waiting for another's failure (rule DE5). */
export class Broadcaster {
  readonly #gateway: Gateway;
  readonly #wait: Wait;
  readonly #random: () => number;

  constructor(gateway: Gateway, options: { wait?: Wait; random?: () => number } = {}) {
    this.#gateway = gateway;
    this.#wait = options.wait ?? sleep;
    this.#random = options.random ?? Math.random;
  }

  /** Sends `frame` to each connection. Never throws: one bad receiver stops nobody. */
  async broadcast(
    connectionIds: readonly string[],
    frame: ServerFrame,
    options: BroadcastOptions,
  ): Promise<BroadcastResult> {
    const result: BroadcastResult = { delivered: 0, gone: [], failed: [] };
    if (connectionIds.length === 0) return result;
    const bytes = new TextEncoder().encode(JSON.stringify(frame));
    const queue = connectionIds.values();
    const work = async () => {
      for (const connectionId of queue) {
        const outcome = await this.#deliver(connectionId, bytes, options.kind === 'state' ? retryWaits : []);
        if (outcome === 'delivered') result.delivered += 1;
        else if (outcome === 'gone') result.gone.push(connectionId);
        else result.failed.push(connectionId);
      }
    };
    await Promise.all(Array.from({ length: Math.min(parallelPosts, connectionIds.length) }, work));
    return result;
  }

  async #deliver(connectionId: string, bytes: Uint8Array, waits: number[]): Promise<PostResult> {
    let outcome = await this.#gateway.post(connectionId, bytes);
    for (const upTo of waits) {
      if (outcome !== 'retry') return outcome;
      await this.#wait(upTo * this.#random());
      outcome = await this.#gateway.post(connectionId, bytes);
    }
    return outcome;
  }
}
