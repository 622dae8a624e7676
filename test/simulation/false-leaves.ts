import type { ChangeReply } from '../../lambdas/presence/scripts/script-call.ts';
import { joinedUsers } from './script-answer.ts';
import type { World } from './world.ts';

/** By how many milliseconds the calls of two environments may be out of order. */
export const slack = 700;

/** Compares each leave in a reply of Redis with the signs of life and the joins of the connections. */
export class FalseLeaves {
  readonly #world: World;
  /** The last sign of life of each connection in a session. */
  readonly #heard = new Map<string, Map<string, number>>();

  constructor(world: World) {
    this.#world = world;
  }

  hear(sessionId: string, connectionId: string, now: number): void {
    const heard = this.#heard.get(sessionId) ?? new Map<string, number>();
    heard.set(connectionId, now);
    this.#heard.set(sessionId, heard);
  }

  /** A connection has ended. */
  forget(sessionId: string, connectionId: string): void {
    this.#heard.get(sessionId)?.delete(connectionId);
  }

  /** A user who left and returned may be in one diff with both, if a window merged them or Redis was away. */
  refuse(sessionId: string, reply: ChangeReply, now: number): void {
    const joined = joinedUsers(reply);
    for (const userId of reply.leaves) if (!joined.includes(userId)) this.#refuse(sessionId, userId, now);
  }

  /** Checks that no leave is reported for a user with a connection that sends signs of life (rules PR1, PR8, FA1, FA2, FA5). */
  #refuse(sessionId: string, userId: string, now: number): void {
    for (const [connectionId, at] of this.#heard.get(sessionId) ?? []) {
      if (!this.#world.isAlive(userId, sessionId, connectionId)) continue;
      if (at <= now - this.#world.timings.offlineAfterMillis) continue;
      this.#world.violate(
        `[PR8] ${this.#world.short(userId)} is reported as having left, but ${connectionId} is alive`,
      );
    }
    const connectionId = this.#world.admittedConnection(userId, sessionId, now - slack);
    if (!connectionId) return;
    this.#world.violate(
      `[FA1] ${this.#world.short(userId)} is reported as having left, but ${connectionId} has joined`,
    );
  }
}
