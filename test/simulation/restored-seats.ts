import type { StoredRoom } from './room-model.ts';
import { type RestoredSeat, restoredSeats, type ScriptCall } from './script-answer.ts';
import type { World } from './world.ts';

/** The last join or leave of a connection that Redis has processed. */
interface Told {
  version: number;
  hasLeft: boolean;
}

/** Checks which connections a restoration seats. The list from the connection table may be older than the state of Redis. */
export class RestoredSeats {
  readonly #world: World;
  /** By the key of the version. */
  readonly #told = new Map<string, Told>();
  /** The connections that had a seat before the last restoration of each session. */
  readonly #seated = new Map<string, readonly string[]>();
  /** The arguments of the last restoration of each session. */
  readonly #given = new Map<string, RestoredSeat[]>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Records a join, a leave or a restoration that was not overtaken. */
  note(call: ScriptCall): void {
    const { script, sessionId, values } = call;
    const { versionKey, version } = values;
    // A leave counts also in a session that Redis does not know.
    if (versionKey && version) this.#told.set(versionKey, { version: Number(version), hasLeft: script === 'leave' });
    if (script === 'restore') this.#given.set(sessionId, restoredSeats(call));
  }

  /** Records the connections that have a seat right before a restoration. */
  noteSeats(sessionId: string, seats: readonly string[]): void {
    this.#seated.set(sessionId, seats);
  }

  /** Deletes the record of a session that Redis lost. */
  forget(sessionId: string): void {
    for (const key of this.#told.keys()) if (key.includes(`{${sessionId}}`)) this.#told.delete(key);
  }

  /**
   * Compares the last restoration with the state of Redis after it: a connection has a seat, or is in its grace (rules FA1, FA2),
   * unless it has left since the table was read (rule PR18). If Redis lost only a part of the session, a connection that left
   * may keep its seat: Redis replied `unknown` to its leave, which is repeated after the restoration.
   */
  check(sessionId: string, { seats, graces }: StoredRoom): void {
    const known = [...seats, ...graces].map(([member]) => member);
    for (const { member, versionKey, version } of this.#given.get(sessionId) ?? []) {
      const isSeated = known.some((one) => one === member || one.startsWith(`${member}:`));
      const told = this.#told.get(versionKey);
      const isOutdated = told !== undefined && told.version > version;
      if (!isSeated && !isOutdated) this.#world.violate(`[FA2] a restoration leaves ${member} without a seat`);
      const wasSeated = this.#seated.get(sessionId)?.includes(member);
      if (isSeated && !wasSeated && isOutdated && told.hasLeft)
        this.#world.violate(`[PR18] a restoration seats ${member}, which left`);
    }
    this.#given.delete(sessionId);
  }
}
