import type { Cluster, Redis } from 'ioredis';
import { serverLimits } from '../../protocol/server-api.ts';
import type { Timings } from '../../protocol/timings.ts';
import { presenceKeys } from './keys.ts';
import { type Receiver, readReceiver } from './outcome.ts';
import { ScriptRunner } from './script-runner.ts';
import { publishPieces } from './scripts/publish.ts';
import { scriptKeyNames } from './scripts/script-table.ts';
import { commandName, textOf } from './scripts/scripts.ts';

/**
 * Tells whom an event of a program reaches. It is a class of its own, because the functions that serve frames do not load it.
 */
export class EventPublisher {
  readonly #scripts: ScriptRunner;

  constructor(redis: Redis | Cluster, timings: Timings) {
    this.#scripts = new ScriptRunner(redis, timings);
    const name = commandName('publish');
    if (!(name in redis)) {
      redis.defineCommand(name, { numberOfKeys: scriptKeyNames.length, lua: textOf(publishPieces) });
    }
  }

  /**
   * @param to the users who receive it; undefined for all.
   * @param mark names the event, if a repeat shall not be sent.
   * @param now Unix milliseconds.
   * @returns undefined if Redis does not know the session: nobody is present, or Redis lost it.
   * @throws RollcallError RATE_LIMITED if the session sends more than its limit (rule CO4).
   */
  async address(
    sessionId: string,
    to: readonly string[] | undefined,
    mark: string | undefined,
    now: number,
  ): Promise<{ isRepeated: boolean; receivers: Receiver[] } | undefined> {
    const markKey = mark === undefined ? '' : presenceKeys.published(sessionId, mark);
    const values = { named: to ? JSON.stringify(to) : '', markKey, markMillis: serverLimits.repeatMillis };
    const reply = await this.#scripts.run('publish', sessionId, now, values);
    if (!reply) return undefined;
    const { isRepeated, addressed } = reply.extra;
    return { isRepeated: isRepeated === 1, receivers: addressed.map(readReceiver) };
  }
}
