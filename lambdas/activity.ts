import { limits } from '../protocol/limits.ts';
import { logActivity } from './flows/log-activity.ts';
import { noticeFrame } from './flows/notice-frame.ts';
import { asSeenBy, authorizeAudit } from './flows/read-activity.ts';
import { activity } from './runtime/activity.ts';
import { limitRate } from './runtime/rate-limit.ts';
import { route } from './runtime/route.ts';

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
