import { lazily } from '../platform/lazily.ts';
import { redis } from '../platform/redis.ts';
import type { Parts } from './compose.ts';
import { broadcaster } from './delivery.ts';
import { startFunction, sweepFunction } from './functions.ts';
import { deadlines, movingSessions, presence } from './presence.ts';
import { standard } from './standard.ts';

const registry = lazily(async () => (await import('./registry.ts')).registry());
const sessions = lazily(async () => (await import('./sessions.ts')).sessions());
const activity = lazily(async () => (await import('./activity.ts')).activity());
const messenger = lazily(async () => (await import('./messenger.ts')).messenger());

/**
 * The same services as `seating`, for the functions of heartbeats and cursors. Nearly all of their frames need only Redis and
 * posts, so the code of the other services is loaded at its first use, for example when a user returns after a timeout.
 */
export const frames = {
  ...standard,
  ...{ redis, presence, deadlines, movingSessions, broadcaster },
  ...{ registry: () => registry, sessions: () => sessions, activity: () => activity, messenger: () => messenger },
  ...{ sweepFunction, startFunction: () => startFunction },
} satisfies Parts;
