import type { Cluster, Redis } from 'ioredis';
import { RollcallError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { presenceKeys } from './keys.ts';
import { rateLimitScript } from './scripts/scripts.ts';

interface RateCommands {
  presence_rate(key: string, now: number): Promise<['ok' | 'limited', number]>;
}

/** Counts the messages of a connection that are not about presence. The presence scripts count their own frames. */
export class RateLimiter {
  readonly #redis: Redis | Cluster;

  constructor(redis: Redis | Cluster) {
    this.#redis = redis;
    if (!('presence_rate' in redis)) redis.defineCommand('presence_rate', { numberOfKeys: 1, lua: rateLimitScript });
  }

  /** @throws RollcallError RATE_LIMITED for a message over the limit. */
  async count(connectionId: string, now: number): Promise<void> {
    const commands = this.#redis as unknown as RateCommands;
    const [outcome, retryAfterMillis] = await commands.presence_rate(presenceKeys.rate(connectionId), now);
    if (outcome === 'limited') throw tooFast(retryAfterMillis);
  }
}

/** The refusal of a message over the limit. */
export function tooFast(retryAfterMillis: number): RollcallError {
  return new RollcallError(
    'RATE_LIMITED',
    `This connection sends more than ${limits.messagesPerSecond} messages a second; wait a moment.`,
    { retryAfterMillis },
  );
}
