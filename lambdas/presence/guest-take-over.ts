import type { Cluster, Redis } from 'ioredis';
import type { Role } from '../../protocol/entities.ts';
import type { Timings } from '../../protocol/timings.ts';
import { type PresenceOutcome, type Receiver, readOutcome, readReceiver } from './outcome.ts';
import { ScriptRunner } from './script-runner.ts';
import { scriptKeyNames } from './scripts/script-table.ts';
import { commandName, textOf } from './scripts/scripts.ts';
import { takeOverPieces } from './scripts/take-over.ts';
import type { Seat } from './seat.ts';

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
  readonly #timings: Timings;
  readonly #scripts: ScriptRunner;

  constructor(redis: Redis | Cluster, timings: Timings) {
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
   * @returns the change and the connections of the guest, which are no longer in the session; undefined if Redis does not know the
   *   session.
   */
  async run(user: TakingOver, now: number): Promise<(PresenceOutcome & { ended: Receiver[] }) | undefined> {
    const { sessionId, userId, connectionId, guestId, username, role } = user;
    const deadline = Math.round(now + this.#timings.graceMillis);
    const values = { userId, connectionId, guestId, username, role, deadline };
    const reply = await this.#scripts.run('takeOver', sessionId, now, values);
    if (!reply) return undefined;
    return { ...readOutcome(reply, now, this.#timings), ended: reply.extra.ended.map(readReceiver) };
  }
}
