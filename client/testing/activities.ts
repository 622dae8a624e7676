import { isAtLeast } from '../../protocol/permissions.ts';
import { isServerActivityType } from '../../protocol/server-activity.ts';
import type { Frame } from '../gather.ts';
import type { Json } from '../presence.ts';
import { accessOf, auditRefusal, authorize, authorizeAudit, type Call } from './access.ts';
import { Refusal } from './refusal.ts';
import { newId } from './rooms.ts';

type Entry = { activityType: string; details?: Json; activityId?: string };

/** The messages about the audit trail of a session. */
export const activityHandlers: Record<string, (call: Call) => object> = {
  activity_log(call) {
    const { activityType, details = {}, activityId = newId() } = call.message as unknown as Entry;
    const refusalEntry = { type: 'activity_refused', details: { activityType } };
    const room = auditRefusal(call, refusalEntry, () => authorize(call, 'comment'));
    if (isServerActivityType(activityType)) {
      throw new Refusal('INVALID_MESSAGE', `Only the server writes activity of the type "${activityType}".`);
    }
    if (!room.trail.items.some(({ id }) => id === activityId)) {
      const activity = room.trail.add(call.connection, activityType, details, activityId);
      const least = room.session.metadata.visibility?.activity ?? 'viewer';
      room.tell({ type: 'activity', activity }, (other) => {
        const { isOwner, role } = accessOf(other, room);
        return other !== call.connection && (isOwner || isAtLeast(role ?? 'viewer', least));
      });
    }
    return { type: 'activity_logged', activityId };
  },
  activity_query(call) {
    const room = authorizeAudit(call);
    const {
      limit = 100,
      before = '0',
      activityType,
      userId,
      from = 0,
      to = Infinity,
    } = call.message as Frame & Record<string, never>;
    const { identities } = room.access;
    const matching = room.trail.items.filter(
      (each) =>
        (activityType ?? each.activityType) === each.activityType &&
        // Entries of a guest who signed in are those of the user.
        (userId === undefined || userId === (identities.get(each.userId!) ?? each.userId)) &&
        each.createdAt >= from &&
        each.createdAt < to,
    );
    const end = Number(before) + limit;
    const next = end < matching.length ? { next: String(end) } : {};
    return { type: 'activity_page', sessionId: room.session.id, items: matching.slice(Number(before), end), ...next };
  },
  presence_history(call) {
    const room = authorizeAudit(call);
    const at = call.message['at'] as number;
    const stays = room.trail.stays.filter(({ joinedAt, leftAt }) => joinedAt <= at && (leftAt ?? Infinity) > at);
    return { type: 'presence_history', sessionId: room.session.id, at, stays };
  },
};
