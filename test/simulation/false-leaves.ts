import type { ChangeReply } from '../../lambdas/presence/scripts/script-call.ts';
import { joinedUsers } from './script-answer.ts';
import type { World } from './world.ts';

/** Milliseconds by which calls of two environments may overtake each other. */
export const slack = 700;

/** Holds each leave that Redis hands out against the connections that were heard, and against those that were let in. */
export class FalseLeaves {
  readonly #world: World;
  /** When each connection was last heard in a session. */
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

  /** Who left and is back since is told both in one diff: a window merges them, or Redis was away meanwhile. */
  refuse(sessionId: string, reply: ChangeReply, now: number): void {
    const joined = joinedUsers(reply);
    for (const userId of reply.leaves) if (!joined.includes(userId)) this.#refuse(sessionId, userId, now);
  }

  /** A user is never said to have gone while a connection of theirs was heard (rules PR1, PR8, FA1, FA2, FA5). */
  #refuse(sessionId: string, userId: string, now: number): void {
    for (const [connectionId, at] of this.#heard.get(sessionId) ?? []) {
      if (!this.#world.isAlive(userId, sessionId, connectionId)) continue;
      if (at <= now - this.#world.timings.offlineAfterMillis) continue;
      this.#world.violate(`[PR8] ${this.#world.short(userId)} is said to have left, but ${connectionId} lives`);
    }
    const connectionId = this.#world.admittedConnection(userId, sessionId, now - slack);
    if (!connectionId) return;
    this.#world.violate(`[FA1] ${this.#world.short(userId)} is said to have left, but ${connectionId} was let in`);
  }
}
