import type { Redis } from 'ioredis';
import type { Handler } from './environments.ts';
import type { ScriptBook } from './script-book.ts';
import type { Universe } from './world.ts';

/** Everything in a few virtual seconds instead of minutes. */
const settings = {
  PRESENCE_UPDATE_SECONDS: '4',
  HEARTBEAT_TIMEOUT_SECONDS: '4',
  AWAY_AFTER_SECONDS: '10',
  RECONNECT_GRACE_SECONDS: '7',
  SESSION_TIMEOUT_HOURS: '0.01',
  LIVENESS_TIMEOUT_SECONDS: '60',
  TIMEOUT_SWEEP_FUNCTION: 'timeout-sweep',
};

/** Loads the product with the settings of the simulation; its stand-ins have to be in place. */
export async function makeUniverse(redis: Redis, book: ScriptBook): Promise<Universe> {
  Object.assign(process.env, settings);
  const handlers: Record<string, unknown> = {
    connect: (await import('../../lambdas/handlers/connect.ts')).handler,
    disconnect: (await import('../../lambdas/handlers/disconnect.ts')).handler,
    heartbeat: (await import('../../lambdas/handlers/heartbeat.ts')).handler,
    cursor: (await import('../../lambdas/handlers/cursor.ts')).handler,
    presence: (await import('../../lambdas/handlers/presence.ts')).handler,
    session: (await import('../../lambdas/handlers/session.ts')).handler,
    'timeout-sweep': (await import('../../lambdas/handlers/timeout-sweep.ts')).handler,
  };
  const { timings } = await import('../../lambdas/platform/timings.ts');
  const name = `s${process.pid}`;
  return { redis, book, handlers: handlers as Record<string, Handler>, timings, changes: [], name };
}
