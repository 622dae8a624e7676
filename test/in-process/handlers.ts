import { activityRoute } from '../../lambdas/handlers/activity.ts';
import { cursorRoute } from '../../lambdas/handlers/cursor.ts';
import { defaultRoute } from '../../lambdas/handlers/default.ts';
import { heartbeatRoute } from '../../lambdas/handlers/heartbeat.ts';
import { machineRoute } from '../../lambdas/handlers/machine.ts';
import { presenceRoute } from '../../lambdas/handlers/presence.ts';
import { sessionRoute } from '../../lambdas/handlers/session.ts';
import type { Services } from '../../lambdas/services/services.ts';

/** The handler of each group of routes. */
export const handlersOf = (services: Services) => ({
  default: defaultRoute(services),
  session: sessionRoute(services),
  presence: presenceRoute(services),
  cursor: cursorRoute(services),
  heartbeat: heartbeatRoute(services),
  activity: activityRoute(services),
  machine: machineRoute(services),
});
