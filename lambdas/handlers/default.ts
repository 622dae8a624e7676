import { rolloverMillis } from '../../protocol/timings.ts';
import { route } from '../adapters/route.ts';
import { noticeFrame } from '../flows/connections/notice-frame.ts';
import { limitRate } from '../flows/connections/rate-limit.ts';
import { timings } from '../platform/timings.ts';
import { registry } from '../services/registry.ts';

/** Route `$default`, which also refuses whatever no other route takes, and the two messages about the connection. */
export const handler = route(
  'default',
  {
    async hello({ format }, caller) {
      const isKept = format && (await registry().setCompact(caller.connectionId, format === 'compact'));
      const { from, to } = rolloverMillis;
      return {
        type: 'welcome',
        connectionId: caller.connectionId,
        userId: caller.userId,
        username: caller.username,
        heartbeatSeconds: timings.heartbeatMillis / 1000,
        timeoutSeconds: timings.offlineAfterMillis / 1000,
        awaySeconds: timings.awayAfterMillis / 1000,
        batchMillis: timings.batchMillis,
        // Random, so that the clients of one deployment do not all reconnect at one moment.
        rolloverSeconds: Math.round((from + Math.random() * (to - from)) / 1000),
        serverTime: Date.now(),
        ...(format ? { format: isKept ? format : 'json' } : {}),
      };
    },

    async ping() {
      return { type: 'pong', serverTime: Date.now() };
    },
  },
  { limit: limitRate, notice: noticeFrame },
);
