import { limits } from '../../protocol/limits.ts';
import { route } from '../adapters/route.ts';
import { logActivity } from '../flows/activity/log-activity.ts';
import { asSeenBy, authorizeAudit } from '../flows/activity/read-activity.ts';
import { noticeFrame } from '../flows/connections/notice-frame.ts';
import { limitRate } from '../flows/connections/rate-limit.ts';
import { activity } from '../services/activity.ts';

/** Routes about the audit trail. */
export const handler = route(
  'activity',
  {
    activity_log: (message, caller) => logActivity(caller, message),

    async activity_query({ sessionId, ...query }, caller) {
      const session = await authorizeAudit(caller, sessionId);
      const page = await activity().getSessionActivity(session.id, query, limits.listBytes);
      const items = page.items.map(asSeenBy(caller.userId, session));
      return { type: 'activity_page', sessionId: session.id, ...page, items };
    },

    async presence_history({ sessionId, at }, caller) {
      const session = await authorizeAudit(caller, sessionId);
      return {
        type: 'presence_history',
        sessionId: session.id,
        at,
        stays: await activity().whoWasHere(session.id, at),
      };
    },
  },
  { limit: limitRate, notice: noticeFrame },
);
