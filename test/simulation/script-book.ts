import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import records from '../../lambdas/presence/scripts/shared/records.lua';
import userRecords from '../../lambdas/presence/scripts/shared/user-records.lua';

type Argument = string | number;

/** A deliberate mistake in a script. Its text must be in the shipped script, otherwise it proves nothing. */
export interface TextChange {
  find: string;
  replace: string;
}

/**
 * Replaces `shared/records.lua` on a virtual clock. Redis uses its own clock for a time to live. So a sorted set has the expiry of each
 * record, and each script first deletes the expired records. The last argument of a script is the virtual time.
 */
const virtualRecords = `
local ttlKey, worldNow = recordPrefix .. '!ttl', tonumber(ARGV[#ARGV])
for _, expired in ipairs(redis.call('ZRANGEBYSCORE', ttlKey, '-inf', worldNow)) do
  redis.call('DEL', recordPrefix .. expired)
  redis.call('ZREM', ttlKey, expired)
end
local function writeRecord(userId, text, millis)
  redis.call('SET', recordPrefix .. userId, text, 'PX', 3600000)
  redis.call('ZADD', ttlKey, worldNow + (millis or offlineAfter), userId)
end
`;
/** The code that writes the record of a hidden user or of an agent, and its replacement on a virtual clock. */
const hiddenRecord = "redis.call('SET', recordPrefix .. user.userId, text, 'PX', recordMillis(user))";
const virtualHiddenRecord = 'writeRecord(user.userId, text, recordMillis(user))';

/** The shipped script on a virtual clock. Scripts without records stay as they are. */
export function withVirtualTtl(lua: string): string {
  if (lua.includes('recordPrefix') && !lua.includes(records))
    throw new Error('A script writes records in its own way.');
  if (!userRecords.includes(hiddenRecord)) throw new Error('The record of a hidden user is written in another way.');
  return lua.replace(records, () => virtualRecords).replaceAll(hiddenRecord, virtualHiddenRecord);
}

/** Scripts by their text, each loaded into Redis once. */
export class ScriptBook {
  readonly #redis: Redis;
  readonly #hashes = new Map<string, string>();
  readonly #applied = new Set<TextChange>();

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** The text that a scenario runs: with the deliberate mistake, if there is one, and on virtual time. */
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
