import type { Cluster, Redis } from 'ioredis';
import { RollcallError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { presenceKeys } from './keys.ts';
import { rateScript } from './scripts/scripts.ts';

type RateCommand = (key: string, now: number) => Promise<['ok' | 'limited', number]>;

/** How often a sender may send. */
export interface Rate {
  /** The sender as the subject of a sentence. */
  sender: string;
  /** What it sends. */
  things: string;
  perSecond: number;
  /** How many may arrive at once. */
  burst: number;
}

const ofConnections: Rate = {
  sender: 'This connection',
  things: 'messages',
  perSecond: limits.messagesPerSecond,
  burst: limits.messageBurst,
};

/** Counts the messages of a sender that are not about presence. The presence scripts count their own frames. */
export class RateLimiter {
  readonly #redis: Redis | Cluster;
  readonly #rate: Rate;
  readonly #command: string;

  /** @param rate default: that of connections. */
  constructor(redis: Redis | Cluster, rate = ofConnections) {
    this.#redis = redis;
    this.#rate = rate;
    this.#command = `presence_rate_${rate.perSecond}_${rate.burst}`;
    if (!(this.#command in redis)) redis.defineCommand(this.#command, { numberOfKeys: 1, lua: rateScript(rate) });
  }

  /** @throws RollcallError RATE_LIMITED for a message over the limit. */
  async count(sender: string, now: number): Promise<void> {
    const commands = this.#redis as unknown as Record<string, RateCommand>;
    const [outcome, retryAfterMillis] = await commands[this.#command]!(presenceKeys.rate(sender), now);
    if (outcome === 'limited') throw tooFast(retryAfterMillis, this.#rate);
  }
}

/** The refusal of a message over the limit. */
export function tooFast(retryAfterMillis: number, { sender, things, perSecond } = ofConnections): RollcallError {
  const text = `${sender} sends more than ${perSecond} ${things} a second; wait a moment.`;
  return new RollcallError('RATE_LIMITED', text, { retryAfterMillis });
}
