import { rolloverMillis } from '../../protocol/timings.ts';
import { route } from '../adapters/route.ts';
import { compose } from '../composition/compose.ts';
import { presence, rateLimiter } from '../composition/presence.ts';
import { registry } from '../composition/registry.ts';
import { standard } from '../composition/standard.ts';
import { noticeFrame } from '../flows/connections/notice-frame.ts';
import { limitRate } from '../flows/connections/rate-limit.ts';
import type { Services } from '../services/services.ts';

/** Route `$default`: the two messages about the connection. It also refuses every message that no other route takes. */
export const defaultRoute = (services: Services) =>
  route(
    'default',
    {
      async hello({ format }, caller) {
        const isKept = format && (await services.registry.setCompact(caller.connectionId, format === 'compact'));
        const { from, to } = rolloverMillis;
        return {
          type: 'welcome',
          connectionId: caller.connectionId,
          userId: caller.userId,
          username: caller.username,
          heartbeatSeconds: services.timings.heartbeatMillis / 1000,
          timeoutSeconds: services.timings.offlineAfterMillis / 1000,
          awaySeconds: services.timings.awayAfterMillis / 1000,
          batchMillis: services.timings.batchMillis,
          // Random, so that the clients of one deployment do not all reconnect at the same time.
          rolloverSeconds: Math.round((from + Math.random() * (to - from)) / 1000),
          serverTime: services.clock(),
          ...(format ? { format: isKept ? format : 'json' } : {}),
        };
      },

      async ping() {
        return { type: 'pong', serverTime: services.clock() };
      },
    },
    {
      log: services.log,
      metrics: services.metrics,
      limit: (connectionId) => limitRate(services, connectionId),
      notice: (caller, message) => noticeFrame(services, caller, message),
    },
  );

export const parts = { ...standard, presence, rateLimiter, registry };
export const handler = defaultRoute(compose(parts));
