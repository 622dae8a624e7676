import type { Cluster, Redis } from 'ioredis';
import { answered } from '../platform/redis-failure.ts';
import { shardOf } from './deadlines.ts';
import { presenceKeys } from './keys.ts';
import { pairs } from './outcome.ts';
import { defineSweepScripts, runSweepScript } from './scripts/sweep/sweep-scripts.ts';

const indexMillis = 24 * 60 * 60 * 1000;

/** A session in which something moves, and when the sweep was last told so. */
export interface MovingSession {
  sessionId: string;
  toldAt: number;
}

/** What the open or last window of a session says about itself. Times are Unix milliseconds. */
export interface WindowState {
  endsAt: number;
  /** The end of the window that somebody promised to flush; undefined where nothing waits. */
  promisedAt: number | undefined;
  /** Until when nobody tells the sweep that something moves here, because it knows. */
  watchedUntil: number;
}

/**
 * The sessions whose cursors move, by the shards of the deadlines. A frame never writes here: the first promise of a
 * moving period does, while it waits for the end of its window. The sweep reads the windows of these sessions, and so
 * finds the one whose flusher died (rule DE3).
 *
 * Every method throws RollcallError UNAVAILABLE while Redis is away.
 */
export class MovingSessions {
  readonly #redis: Redis | Cluster;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    defineSweepScripts(redis);
  }

  /** Notes that something moves in a session. Answers whether a sweep holds the shard. */
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

  /** Forgets a session in which nothing moves any more, unless somebody told meanwhile that something does. */
  async drop({ sessionId, toldAt }: MovingSession): Promise<void> {
    const keys = { moving: presenceKeys.moving(shardOf(sessionId)) };
    const values = { sessionId, at: toldAt };
    await answered(this.#redis, () => runSweepScript(this.#redis, 'dropMoving', keys, values));
  }

  /** The window of a session; undefined where Redis has none (any more). */
  async window(sessionId: string): Promise<WindowState | undefined> {
    const key = presenceKeys.window(sessionId);
    const [ends, promised, watched] = await answered(this.#redis, () =>
      this.#redis.hmget(key, 'ends', 'flusher', 'watched'),
    );
    if (!ends) return undefined;
    return {
      endsAt: Number(ends),
      promisedAt: promised ? Number(promised) : undefined,
      watchedUntil: Number(watched ?? 0),
    };
  }
}
