import { randomUUID } from 'node:crypto';
import { SessionInvites } from '../../lambdas/sessions/session-invites.ts';
import { SessionKeys } from '../../lambdas/sessions/session-keys.ts';
import { SessionManager } from '../../lambdas/sessions/session-manager.ts';
import type { SessionMetadata } from '../../protocol/entities.ts';
import type { ErrorCode, RollcallError } from '../../protocol/errors.ts';
import { readTimings, type Timings } from '../../protocol/timings.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

export const inviteKey = new TextEncoder().encode('a secret of the tests with 32 bytes or more');
export const minute = 60_000;
export const hour = 60 * minute;

/** A database with a manager, and a clock that only the test advances. */
export interface SessionWorld {
  database: TestDatabase;
  manager: SessionManager;
  invites: SessionInvites;
  keys: SessionKeys;
  timings: Timings;
  now(): number;
  pass(millis: number): void;
  /** A new session of a new owner. */
  session(metadata?: SessionMetadata): Promise<{ id: string; ownerId: string }>;
  close(): Promise<void>;
}

export async function sessionWorld(settings: Record<string, string> = {}): Promise<SessionWorld> {
  const database = await createDatabase();
  const timings = readTimings(settings);
  // The clock is a day ahead of the machine, so that code with the wrong clock is wrong by a day.
  let time = Date.now() + 24 * hour;
  const manager = new SessionManager({
    database: database.pool,
    timings,
    inviteKeys: () => [inviteKey],
    clock: () => time,
  });
  const invites = new SessionInvites({
    database: database.pool,
    sessions: manager,
    inviteKeys: () => [inviteKey],
    clock: () => time,
  });
  const keys = new SessionKeys({ database: database.pool, timings, clock: () => time });
  return {
    database,
    manager,
    invites,
    keys,
    timings,
    now: () => time,
    pass(millis) {
      time += millis;
    },
    async session(metadata) {
      const owner = user('Olga');
      const session = await manager.createSession(owner.userId, 'op-1', metadata, owner);
      return { id: session.id, ownerId: owner.userId };
    },
    close: () => database.drop(),
  };
}

export function user(username = 'Ulf'): { userId: string; username: string } {
  return { userId: randomUUID(), username };
}

export function guest(name = 'Gustav'): { anonymousId: string; name: string } {
  return { anonymousId: randomUUID(), name };
}

/** The code of the error of a promise, or `none`. */
export function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'none'> {
  return work.then(
    () => 'none',
    (error: RollcallError) => error.code ?? error.message,
  );
}
