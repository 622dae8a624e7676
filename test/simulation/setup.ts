import type { Redis } from 'ioredis';
import { activityRoute } from '../../lambdas/handlers/activity.ts';
import { connect } from '../../lambdas/handlers/connect.ts';
import { cursorRoute } from '../../lambdas/handlers/cursor.ts';
import { defaultRoute } from '../../lambdas/handlers/default.ts';
import { disconnect } from '../../lambdas/handlers/disconnect.ts';
import { heartbeatRoute } from '../../lambdas/handlers/heartbeat.ts';
import { presenceRoute } from '../../lambdas/handlers/presence.ts';
import { sessionRoute } from '../../lambdas/handlers/session.ts';
import { timeoutSweep } from '../../lambdas/handlers/timeout-sweep.ts';
import type { Services } from '../../lambdas/services/services.ts';
import { readTimings } from '../../protocol/timings.ts';
import type { SimulationSetup } from './base-world.ts';
import type { Handler } from './environments.ts';
import type { ScriptBook } from './script-book.ts';

/** The timings of the worlds: virtual seconds instead of minutes. */
const settings = {
  PRESENCE_UPDATE_SECONDS: '4',
  HEARTBEAT_TIMEOUT_SECONDS: '4',
  AWAY_AFTER_SECONDS: '10',
  RECONNECT_GRACE_SECONDS: '7',
  SESSION_TIMEOUT_HOURS: '0.01',
  LIVENESS_TIMEOUT_SECONDS: '60',
};

/** Creates the parts that all worlds of a test share: the server, the scripts and the functions of the product. */
export function makeSetup(redis: Redis, book: ScriptBook): SimulationSetup {
  return { redis, book, handlersOf, timings: readTimings(settings), changes: [], name: `s${process.pid}` };
}

function handlersOf(services: Services): Record<string, Handler> {
  const handlers = {
    connect: (event: Parameters<typeof connect>[1]) => connect(services, event),
    disconnect: (event: Parameters<typeof disconnect>[1]) => disconnect(services, event),
    default: defaultRoute(services),
    activity: activityRoute(services),
    heartbeat: heartbeatRoute(services),
    cursor: cursorRoute(services),
    presence: presenceRoute(services),
    session: sessionRoute(services),
    // The other tasks of the sweep are not part of these worlds.
    'timeout-sweep': timeoutSweep(services, async () => {}),
  };
  return handlers as unknown as Record<string, Handler>;
}
