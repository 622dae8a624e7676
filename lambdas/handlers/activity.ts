import { limits } from '../../protocol/limits.ts';
import { route } from '../adapters/route.ts';
import { compose } from '../composition/compose.ts';
import { rateLimiter } from '../composition/presence.ts';
import { seating } from '../composition/seating.ts';
import { logActivity } from '../flows/activity/log-activity.ts';
import { asSeenBy, authorizeAudit } from '../flows/activity/read-activity.ts';
import { noticeFrame } from '../flows/connections/notice-frame.ts';
import { limitRate } from '../flows/connections/rate-limit.ts';
import type { Services } from '../services/services.ts';

/** Routes about the audit trail. */
export const activityRoute = (services: Services) =>
  route(
    'activity',
    {
      activity_log: (message, caller) => logActivity(services, caller, message),

      async activity_query({ sessionId, ...query }, caller) {
        const session = await authorizeAudit(services, caller, sessionId);
        const page = await services.activity.getSessionActivity(session.id, query, limits.listBytes);
        const items = page.items.map(asSeenBy(caller.userId, session));
        return { type: 'activity_page', sessionId: session.id, ...page, items };
      },

      async presence_history({ sessionId, at }, caller) {
        const session = await authorizeAudit(services, caller, sessionId);
        return {
          type: 'presence_history',
          sessionId: session.id,
          at,
          stays: await services.activity.whoWasHere(session.id, at),
        };
      },
    },
    {
      log: services.log,
      metrics: services.metrics,
      limit: (connectionId) => limitRate(services, connectionId),
      notice: (caller, message) => noticeFrame(services, caller, message),
    },
  );

export const parts = { ...seating, rateLimiter };
export const handler = activityRoute(compose(parts));
