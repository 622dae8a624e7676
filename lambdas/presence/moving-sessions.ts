import type { Cluster, Redis } from 'ioredis';
import { answered } from '../platform/redis-failure.ts';
import { shardOf } from './deadlines.ts';
import { presenceKeys } from './keys.ts';
import { pairs } from './outcome.ts';
import { defineSweepScripts, runSweepScript } from './scripts/sweep/sweep-scripts.ts';

const indexMillis = 24 * 60 * 60 * 1000;

/** A session in which cursors move, and when this was last written. */
export interface MovingSession {
  sessionId: string;
  toldAt: number;
}

/** The open or last window of a session. Times are Unix milliseconds. */
export interface WindowState {
  endsAt: number;
  /** The end of the window that has a flusher; undefined if nothing waits. */
  promisedAt: number | undefined;
  /** Until this time no frame tells the sweep that something moves here, because the sweep knows. */
  watchedUntil: number;
  /** Until this time cursors are held back, because the session reached its limit of posts; 0 if they are not. */
  thinnedUntil: number;
}

/**
 * The sessions whose cursors move, in the shards of the deadlines. A frame never writes here: the first flusher of a moving
 * period does, while it waits for the end of its window. The sweep reads the windows of these sessions, and so finds a
 * window whose flusher died (rule DE3).
 *
 * Every method throws RollcallError UNAVAILABLE while Redis is away.
 */
export class MovingSessions {
  readonly #redis: Redis | Cluster;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    defineSweepScripts(redis);
  }

  /** Stores that something moves in a session. Returns whether a sweep holds the shard. */
  async add(sessionId: string, now: number): Promise<boolean> {
    const shard = shardOf(sessionId);
    const keys = { moving: presenceKeys.moving(shard), lease: presenceKeys.dueLease(shard) };
    const values = { sessionId, at: Math.round(now), ttl: indexMillis };
    const swept = await answered(this.#redis, () => runSweepScript(this.#redis, 'watchMoving', keys, values));
    return swept === 1;
  }

  /** The sessions of a shard in which something moves. */
  async of(shard: number): Promise<MovingSession[]> {
    const key = presenceKeys.moving(shard);
    const found = await answered(this.#redis, () => this.#redis.zrange(key, '0', '-1', 'WITHSCORES'));
    return pairs(found).map(([sessionId, at]) => ({ sessionId, toldAt: Number(at) }));
  }

  /** Removes a session in which nothing moves any more, unless it was added again meanwhile. */
  async drop({ sessionId, toldAt }: MovingSession): Promise<void> {
    const keys = { moving: presenceKeys.moving(shardOf(sessionId)) };
    const values = { sessionId, at: toldAt };
    await answered(this.#redis, () => runSweepScript(this.#redis, 'dropMoving', keys, values));
  }

  /** The window of a session; undefined if Redis has none. */
  async window(sessionId: string): Promise<WindowState | undefined> {
    const key = presenceKeys.window(sessionId);
    const [ends, promised, watched, thinned] = await answered(this.#redis, () =>
      this.#redis.hmget(key, 'ends', 'flusher', 'watched', 'thinned'),
    );
    if (!ends) return undefined;
    return {
      endsAt: Number(ends),
      promisedAt: promised ? Number(promised) : undefined,
      watchedUntil: Number(watched ?? 0),
      thinnedUntil: Number(thinned ?? 0),
    };
  }
}
