import type { Cluster, Redis } from 'ioredis';
import type { Role } from '../../protocol/entities.ts';
import type { Timings } from '../../protocol/timings.ts';
import { outageAllowanceMillis } from './outage-allowance.ts';
import { type PresenceOutcome, type Receiver, readOutcome, readReceiver } from './outcome.ts';
import { ScriptRunner } from './script-runner.ts';
import { scriptKeyNames } from './scripts/script-table.ts';
import { commandName, textOf } from './scripts/scripts.ts';
import { takeOverPieces } from './scripts/take-over.ts';
import type { Seat } from './seat.ts';

export interface TakeOverOutcome extends PresenceOutcome {
  /** The connections of the guest, which are no longer in the session. */
  ended: Receiver[];
  /** Whether the user is present, and their connection has no seat yet. */
  waits: boolean;
}

/** The user who takes over the presence of a guest, with the connection that is about to join. */
export interface TakingOver extends Seat {
  guestId: string;
  username: string;
  role: Role;
}

/**
 * Makes a user present in the place of a guest, in one change for all others (rule SE15). It is a class of its own, because the
 * functions that serve frames do not load it.
 */
export class GuestTakeOver {
  readonly #redis: Redis | Cluster;
  readonly #timings: Timings;
  readonly #scripts: ScriptRunner;

  constructor(redis: Redis | Cluster, timings: Timings) {
    this.#redis = redis;
    this.#timings = timings;
    this.#scripts = new ScriptRunner(redis, timings);
    const name = commandName('takeOver');
    if (!(name in redis)) {
      redis.defineCommand(name, { numberOfKeys: scriptKeyNames.length, lua: textOf(takeOverPieces) });
    }
  }

  /**
   * Does nothing if the guest is not present. The user has the reconnect grace until their connection joins.
   *
   * @param now Unix milliseconds.
   * @returns undefined if Redis does not know the session.
   */
  async run(user: TakingOver, now: number): Promise<TakeOverOutcome | undefined> {
    const { sessionId, userId, connectionId, guestId, username, role } = user;
    const deadline = Math.round(now + this.#timings.graceMillis);
    const values = { userId, connectionId, guestId, username, role, deadline };
    // Others may not have been heard while Redis was away.
    const outageAllowance = await outageAllowanceMillis(this.#redis, this.#timings.offlineAfterMillis);
    const reply = await this.#scripts.run('takeOver', sessionId, now, values, { outageAllowance });
    if (!reply) return undefined;
    const { ended, waits } = reply.extra;
    return { ...readOutcome(reply, now, this.#timings), ended: ended.map(readReceiver), waits: waits === 1 };
  }
}
