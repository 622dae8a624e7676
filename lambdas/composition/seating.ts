import { redis } from '../platform/redis.ts';
import { activity } from './activity.ts';
import type { Parts } from './compose.ts';
import { broadcaster } from './delivery.ts';
import { startFunction, sweepFunction } from './functions.ts';
import { messenger } from './messenger.ts';
import { deadlines, movingSessions, presence } from './presence.ts';
import { registry } from './registry.ts';
import { sessions } from './sessions.ts';
import { standard } from './standard.ts';

/** The services that a function needs to seat a connection and to announce that. */
export const seating = {
  ...standard,
  ...{ redis, presence, deadlines, movingSessions, registry, sessions, activity, broadcaster, messenger },
  ...{ sweepFunction, startFunction: () => startFunction },
} satisfies Parts;
