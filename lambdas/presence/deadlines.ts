import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { presenceKeys } from './keys.ts';
import { answered } from './redis-failure.ts';

/** Sorted sets the deadlines are spread over, so that a cluster shares the work. */
export const deadlineShards = 8;
/** How long a sweep may take for one session before another may visit it. */
const claimMillis = 10_000;
const indexMillis = 24 * 60 * 60 * 1000;

/** A session that is due, with the claim that was put on it. */
export interface DueSession {
  sessionId: string;
  claim: number;
}

/** Moves due sessions to the end of a claim and answers them, so that no other sweep takes them meanwhile. */
const claimDue = `
local claimed = {}
local claim = tonumber(ARGV[1]) + tonumber(ARGV[2])
for _, sessionId in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  redis.call('ZADD', KEYS[1], claim, sessionId)
  claimed[#claimed + 1] = sessionId
end
return claimed
`;

/** Writes the next deadline unless an earlier one came in during the visit. */
const settleDue = `
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[3] == '' then
  if score == false or tonumber(score) >= tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
elseif score == false or tonumber(score) >= tonumber(ARGV[2]) or tonumber(score) > tonumber(ARGV[3]) then
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return redis.call('ZCARD', KEYS[1])
`;

interface DeadlineCommands {
  claimDue(key: string, now: number, claimMillis: number, limit: number): Promise<string[]>;
  settleDue(key: string, sessionId: string, claim: number, next: string, ttl: number): Promise<number>;
}

/**
 * Sessions by the moment something becomes due there. A frame never writes here: the deadline of a live session is
 * looked up anew when it passes, so an index entry may be early but never late.
 *
 * Every method throws RollcallError UNAVAILABLE while Redis is away.
 */
export class Deadlines {
  readonly #redis: Redis | Cluster;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    if (!('claimDue' in redis)) {
      redis.defineCommand('claimDue', { numberOfKeys: 1, lua: claimDue });
      redis.defineCommand('settleDue', { numberOfKeys: 1, lua: settleDue });
    }
  }

  /** Makes sure that the session is visited at `deadline` or before. */
  async schedule(sessionId: string, deadline: number): Promise<void> {
    const key = presenceKeys.due(shardOf(sessionId));
    await answered(this.#redis, () =>
      Promise.all([
        this.#redis.zadd(key, 'LT', Math.round(deadline), sessionId),
        this.#redis.pexpire(key, indexMillis),
      ]),
    );
  }

  /** Claims up to `limit` sessions per shard that are due. */
  async claim(now: number, limit: number): Promise<DueSession[]> {
    const claimed = await this.#onEveryShard((key) => this.#commands.claimDue(key, now, claimMillis, limit));
    return claimed.flat().map((sessionId) => ({ sessionId, claim: now + claimMillis }));
  }

  /** Ends a claim. `next` is the session's next deadline, undefined where nobody is left. */
  async release(due: DueSession, next: number | undefined): Promise<void> {
    const key = presenceKeys.due(shardOf(due.sessionId));
    const text = next === undefined ? '' : String(Math.round(next));
    await answered(this.#redis, () => this.#commands.settleDue(key, due.sessionId, due.claim, text, indexMillis));
  }

  /** How many sessions have anybody present. */
  async size(): Promise<number> {
    const sizes = await this.#onEveryShard((key) => this.#redis.zcard(key));
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Every session that is in the index. */
  async all(): Promise<string[]> {
    return (await this.#onEveryShard((key) => this.#redis.zrange(key, '0', '-1'))).flat();
  }

  /** Whether the index is as it was left: false where Redis, or a part of its cluster, lost its memory. */
  async isWhole(): Promise<boolean> {
    const marks = await this.#onEveryShard((key) => this.#redis.exists(markOf(key)));
    return marks.every((mark) => mark === 1);
  }

  /** Says that every session with anybody in it is in the index; to be said again within a day. */
  async markWhole(): Promise<void> {
    await this.#onEveryShard((key) =>
      Promise.all([this.#redis.zadd(markOf(key), 0, 'whole'), this.#redis.pexpire(markOf(key), indexMillis)]),
    );
  }

  /** When a sweep last did its round, Unix milliseconds; undefined where none did within a day. */
  async lastRound(): Promise<number | undefined> {
    const pulse = await answered(this.#redis, () =>
      this.#redis.zrange(presenceKeys.sweepPulse, '0', '0', 'WITHSCORES'),
    );
    return pulse[1] === undefined ? undefined : Number(pulse[1]);
  }

  /** Says that a sweep has done its round. */
  async noteRound(now: number): Promise<void> {
    const key = presenceKeys.sweepPulse;
    await answered(this.#redis, () =>
      Promise.all([this.#redis.zadd(key, Math.round(now), 'round'), this.#redis.pexpire(key, indexMillis)]),
    );
  }

  #onEveryShard<T>(run: (key: string) => Promise<T>): Promise<T[]> {
    const keys = Array.from({ length: deadlineShards }, (_, shard) => presenceKeys.due(shard));
    return answered(this.#redis, () => Promise.all(keys.map(run)));
  }

  get #commands(): DeadlineCommands {
    return this.#redis as unknown as DeadlineCommands;
  }
}

/** Lies beside the shard and is lost with it. */
function markOf(key: string): string {
  return `${key}:mark`;
}

function shardOf(sessionId: string): number {
  return createHash('sha1').update(sessionId).digest().readUInt32BE(0) % deadlineShards;
}
