import type { Services } from '../../lambdas/services/services.ts';
import { type Doubles, testServices } from '../support/test-services.ts';
import type { BaseWorld } from './base-world.ts';

const quiet = () => {};

function messageOf(details: unknown): string {
  const error = details instanceof Error ? details : (details as { error?: Error } | undefined)?.error;
  return error?.message ?? '';
}

/** The log of a world. A logged error is a violation, unless the world has outages. */
export function logOf(world: BaseWorld): Services['log'] {
  return {
    debug: quiet,
    info: quiet,
    warn: (message: unknown, details?: unknown) => world.note(`warning: ${message} ${messageOf(details)}`),
    error: (message: unknown, details?: unknown) => {
      const error = details instanceof Error ? details : (details as { error?: Error } | undefined)?.error;
      world.note(`error log: ${message} ${error?.message ?? ''}`);
      if (!world.troubled) world.violate(`[FA6] ${message}: ${error?.stack}`);
    },
  } as Services['log'];
}

const nothing = async () => {};
/** The figures of the dashboard are not part of these worlds. */
const noFigures = {
  ...{ writeSessions: nothing, addCounters: nothing, writeFound: nothing },
  present: async () => ({ activeSessions: 0, activeUsers: 0, online: 0 }),
  movements: async () => ({ joins: 0, leaves: {} }),
  // What is found once a minute was found already.
  lastFound: async (slot: number) => slot,
};

/** The services of the product in a world: its stores and its gateway, on the virtual clock. */
export function servicesOf(world: BaseWorld): Services {
  const { backend } = world;
  const doubles: Doubles = {
    timings: world.timings,
    clock: () => world.clock.now,
    log: logOf(world),
    presence: world.presence,
    deadlines: world.deadlines,
    movingSessions: world.movingSessions,
    shardLeases: world.shardLeases,
    // The rate limit is not part of these worlds.
    rateLimiter: { count: async () => {} },
    redis: world.redis,
    registry: backend.registry,
    broadcaster: world.broadcaster,
    messenger: world.broadcaster,
    sessions: backend.sessions,
    sessionKeys: backend.sessionKeys,
    activity: backend.activity,
    sweepQueries: {
      async *occupiedSessions(): AsyncGenerator<string[]> {
        yield await world.call('occupied sessions', () => backend.occupiedSessions());
      },
      touchSessions: async () => [],
      presenceDifferences: async () => [],
    },
    figures: noFigures,
    watchers: { now: async () => [] },
    sweepFunction: 'timeout-sweep',
    // The timeout sweep is the only function that another one starts.
    startFunction: () => world.call('invoke sweep', () => world.startSweep()),
  };
  return testServices(doubles);
}
