import type { Cluster, Redis } from 'ioredis';
import { serverLimits } from '../../protocol/server-api.ts';
import type { Timings } from '../../protocol/timings.ts';
import { presenceKeys } from './keys.ts';
import { type Receiver, readReceiver } from './outcome.ts';
import { ScriptRunner } from './script-runner.ts';
import { publishPieces } from './scripts/publish.ts';
import type { ScriptReply } from './scripts/script-call.ts';
import { scriptKeyNames } from './scripts/script-table.ts';
import { commandName, textOf } from './scripts/scripts.ts';

/** What becomes of an event. */
type Verdict = ScriptReply<'publish'>['extra']['verdict'];

/** What Redis has to know of an event. */
export interface AddressedEvent {
  agentId?: string | undefined;
  to?: readonly string[] | undefined;
  /** Texts that name the event, its content and the request. Only the request that sets the mark sends the event. */
  mark?: { id: string; content: string; attempt: string } | undefined;
}

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
   * @param event `agentId` is the agent that sends it, if one does; `to` the users who receive it, undefined for all; `mark` names the
   *   event, if a repeat shall not be sent.
   * @param now Unix milliseconds.
   * @returns undefined if Redis does not know the session: nobody is present, or Redis lost it. The verdict is `other` if an event with
   *   another content had this mark, and `absent` if the agent is not present; then nobody receives it.
   * @throws RollcallError RATE_LIMITED if the session sends more than its limit (rule CO4).
   */
  async address(
    sessionId: string,
    { agentId = '', to, mark }: AddressedEvent,
    now: number,
  ): Promise<{ verdict: Verdict; receivers: Receiver[] } | undefined> {
    const markKey = mark === undefined ? '' : presenceKeys.published(sessionId, mark.id);
    const { content = '', attempt = '' } = mark ?? {};
    const marking = { markKey, mark: content, attempt, markMillis: serverLimits.repeatMillis };
    const values = { agentId, named: to ? JSON.stringify(to) : '', ...marking };
    const reply = await this.#scripts.run('publish', sessionId, now, values);
    if (!reply) return undefined;
    const { verdict, addressed } = reply.extra;
    return { verdict, receivers: addressed.map(readReceiver) };
  }
}
