import { randomUUID } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { Timings } from '../../protocol/timings.ts';
import { answered } from '../platform/redis-failure.ts';
import { Overtaken } from '../platform/turn.ts';
import { presenceKeys, scriptKeys } from './keys.ts';
import { tooMuchData } from './person-data.ts';
import { tooFast } from './rate-limiter.ts';
import {
  decodeReply,
  encodeArguments,
  type RawReply,
  type ScriptArguments,
  type ScriptReply,
} from './scripts/script-call.ts';
import { commonArguments, type PresenceScript } from './scripts/script-table.ts';
import { commandName, presenceScripts } from './scripts/scripts.ts';

type Commands = Record<string, (...parameters: (string | number)[]) => Promise<RawReply>>;

interface Extras {
  /** See `outage-allowance`; milliseconds. */
  outageAllowance?: number;
  /** The values of `restore` that follow its named arguments. */
  facts?: readonly (string | number)[];
}

const commonNames = Object.keys(commonArguments) as (keyof typeof commonArguments)[];
/** Keys live at least this long after the last frame of a session. */
const keepMillis = 60 * 60 * 1000;

/** Runs presence scripts: one round trip to Redis each (rule PR14). */
export class ScriptRunner {
  readonly #redis: Redis | Cluster;
  readonly #timings: Timings;
  readonly #measured: (millis: number) => void;

  /** @param measured is told how long each script took, in milliseconds. */
  constructor(redis: Redis | Cluster, timings: Timings, measured: (millis: number) => void = () => {}) {
    this.#redis = redis;
    this.#timings = timings;
    this.#measured = measured;
    const numberOfKeys = scriptKeys('').length;
    for (const [name, lua] of Object.entries(presenceScripts)) {
      if (!(commandName(name) in redis)) redis.defineCommand(commandName(name), { numberOfKeys, lua });
    }
  }

  /**
   * @param now Unix milliseconds.
   * @returns undefined if Redis does not know the session or the connection.
   * @throws RollcallError RATE_LIMITED if the connection sends more than its limit.
   * @throws RollcallError TOO_LARGE if the user would have too much data.
   * @throws Overtaken if a later join or leave of the connection was served first (rule PR18).
   */
  async run<Script extends PresenceScript>(
    script: Script,
    sessionId: string,
    now: number,
    values: ScriptArguments<Script>,
    { outageAllowance = 0, facts = [] }: Extras = {},
  ): Promise<ScriptReply<Script> | undefined> {
    const common = this.#commonArguments(sessionId, now, outageAllowance);
    const run = (this.#redis as unknown as Commands)[commandName(script)]!.bind(
      this.#redis,
      ...scriptKeys(sessionId),
      ...commonNames.map((name) => common[name]),
      ...encodeArguments(script, values),
      ...facts,
    );
    const started = performance.now();
    const reply = await answered(this.#redis, run);
    this.#measured(performance.now() - started);
    if (reply[0] === 'limited') throw tooFast(reply[1]);
    if (reply[0] === 'large') throw tooMuchData();
    if (reply[0] === 'overtaken') throw new Overtaken();
    return reply[0] === 'unknown' ? undefined : decodeReply(script, reply);
  }

  #commonArguments(
    sessionId: string,
    now: number,
    outageAllowance: number,
  ): Record<keyof typeof commonArguments, string | number> {
    const { offlineAfterMillis, awayAfterMillis, batchMillis, batchMaxMessages, publishesCursors } = this.#timings;
    const { sessionPostsPerSecond: postsPerSecond } = this.#timings;
    return {
      recordPrefix: presenceKeys.recordPrefix(sessionId),
      channel: presenceKeys.channel(sessionId),
      sessionId,
      now: Math.round(now),
      offlineAfter: Math.round(offlineAfterMillis),
      awayAfter: Math.round(awayAfterMillis),
      freshEpoch: randomUUID().slice(-12),
      keepMillis: Math.max(keepMillis, 2 * Math.round(offlineAfterMillis)),
      windowMillis: Math.round(batchMillis),
      batchMax: batchMaxMessages,
      outageAllowance,
      publishesCursors: publishesCursors ? 1 : 0,
      postsPerSecond,
    };
  }
}
