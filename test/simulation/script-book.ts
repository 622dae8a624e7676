import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';

type Argument = string | number;

/** A deliberate mistake in a script: it must be found in the shipped text, or it proves nothing. */
export interface TextChange {
  find: string;
  replace: string;
}

const realTtl = '3600000';

/**
 * The shipped scripts, on a virtual clock: Redis counts a TTL in its own time, so the end of a record is kept in a sorted
 * set beside it and carried out at the beginning of each script, whose last argument is the time of the world.
 */
export function withVirtualTtl(lua: string): string {
  if (!lua.includes('local recordPrefix')) return lua;
  const firstUse = 'local argument = function(index) return ARGV[11 + index] end';
  const renew = /redis\.call\('SET', recordPrefix \.\. ((?:user\.)?userId), (.+), 'PX', ARGV\[5\]\)/g;
  const expire = `
local ttlKey, worldNow = recordPrefix .. '!ttl', tonumber(ARGV[#ARGV])
for _, expired in ipairs(redis.call('ZRANGEBYSCORE', ttlKey, '-inf', worldNow)) do
  redis.call('DEL', recordPrefix .. expired)
  redis.call('ZREM', ttlKey, expired)
end
`;
  if (!lua.includes(firstUse) || !renew.test(lua)) throw new Error('The scripts write records in a way unknown here.');
  return lua.replace(firstUse, `${firstUse}${expire}`).replace(
    renew,
    `redis.call('SET', recordPrefix .. $1, $2, 'PX', ${realTtl})
    redis.call('ZADD', ttlKey, worldNow + offlineAfter, $1)`,
  );
}

/** Scripts by their text, each loaded into Redis once. */
export class ScriptBook {
  readonly #redis: Redis;
  readonly #hashes = new Map<string, string>();
  readonly #applied = new Set<TextChange>();

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** The text that a world runs: changed where a mistake is to be proven, then on virtual time. */
  prepare(lua: string, changes: readonly TextChange[]): string {
    let text = lua;
    for (const change of changes) {
      if (!text.includes(change.find)) continue;
      text = text.replaceAll(change.find, change.replace);
      this.#applied.add(change);
    }
    return withVirtualTtl(text);
  }

  isApplied(change: TextChange): boolean {
    return this.#applied.has(change);
  }

  async run(lua: string, keys: number, values: Argument[]): Promise<unknown> {
    const known = this.#hashes.get(lua) ?? createHash('sha1').update(lua).digest('hex');
    this.#hashes.set(lua, known);
    try {
      return await this.#redis.evalsha(known, keys, ...values);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      await this.#redis.script('LOAD', lua);
      return this.#redis.evalsha(known, keys, ...values);
    }
  }
}
