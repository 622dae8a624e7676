import { type PresenceRecord, statusAt } from '../../lambdas/presence/status.ts';
import type { World } from './world.ts';

/** The users in the reply of a script: the listed ones, joins, changes, leaves, and users with a new stay. */
export interface Told {
  listed: string[];
  joins: string[];
  updates: string[];
  leaves: string[];
  begun: string[];
}

/** The users who chose to be invisible. No other user may see them, whatever Redis has lost (rule PR5). */
export class InvisiblePeople {
  readonly #world: World;
  /** `<session>:<user>`. */
  readonly #seats = new Set<string>();

  constructor(world: World) {
    this.#world = world;
  }

  choose(sessionId: string, userId: string, status: string): void {
    if (status === 'offline') this.#seats.add(`${sessionId}:${userId}`);
    else if (status !== '') this.#seats.delete(`${sessionId}:${userId}`);
  }

  /** Redis lost a whole session. Users whose connections had ended have a new stay and a new choice. */
  forgetGone(sessionId: string): void {
    for (const userId of this.#world.userIds) {
      if (!this.#world.backend.isMember(sessionId, userId)) this.#seats.delete(`${sessionId}:${userId}`);
    }
  }

  /**
   * A connection left, and Redis, which had lost the session, had no seat for it. If the user has no other connection, the
   * service records the end of the stay from the connection table. The next stay has a new choice.
   */
  forgetLeft(sessionId: string, userId: string, connectionId: string): void {
    if (this.#world.backend.hasOther(sessionId, userId, connectionId)) return;
    this.#seats.delete(`${sessionId}:${userId}`);
  }

  refuseExposure(sessionId: string, { listed, joins, updates, leaves, begun }: Told, now: number): void {
    // If windows are merged, the leave of the earlier stay is announced after the new join.
    for (const userId of [...leaves, ...begun]) this.#seats.delete(`${sessionId}:${userId}`);
    const records = [...listed, ...joins].map((text) => JSON.parse(text) as PresenceRecord);
    for (const record of records) this.#refuse(sessionId, record.userId, statusAt(record, now, this.#world.timings));
    for (const text of updates) {
      const { userId, status = 'offline' } = JSON.parse(text) as { userId: string; status?: string };
      this.#refuse(sessionId, userId, status);
    }
  }

  #refuse(sessionId: string, userId: string, status: string): void {
    if (status === 'offline' || !this.#seats.has(`${sessionId}:${userId}`)) return;
    this.#world.violate(`[PR5] ${this.#world.short(userId)} is invisible and shown as ${status}`);
  }
}
