import type { ActivityItem, Role } from '../../protocol/entities.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import type { Message } from '../../protocol/messages.ts';
import { checkClientActivityType } from '../activity/activity-events.ts';
import { activity } from '../runtime/activity.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { isAtLeast } from '../sessions/permissions.ts';
import { send } from './announce.ts';
import { actorOf } from './audit.ts';
import { authorizeCaller } from './authorize-caller.ts';

/** Writes what a participant did into the audit trail and shows it to those who may see it (rules AC1, DE9). */
export async function logActivity(
  caller: Caller,
  { sessionId: reference, activityType, details, activityId }: Message<'activity_log'>,
): Promise<ServerFrame<'activity_logged'>> {
  const { session } = await authorizeCaller(caller, reference, 'comment');
  checkClientActivityType(activityType);
  const { sessionId, userId, ...context } = actorOf(caller, session.id);
  const logged = await activity().logActivity(sessionId, userId, activityType, details, { ...context, activityId });
  if (logged.isNew) {
    await showActivity(logged.activity, session.ownerId, session.metadata.visibility?.activity, caller.connectionId);
  }
  return { type: 'activity_logged', activityId: logged.activity.id };
}

/** The address and browser of somebody are for the audit trail, not for the others in the room. */
async function showActivity(
  item: ActivityItem,
  ownerId: string,
  leastRole: Role | undefined,
  exceptConnection: string,
): Promise<void> {
  const members = await registry().members(item.sessionId);
  const receivers = members.filter(
    ({ connectionId, userId, role }) =>
      connectionId !== exceptConnection && (userId === ownerId || isAtLeast(role, leastRole ?? 'viewer')),
  );
  const frame: ServerFrame = {
    type: 'activity',
    sessionId: item.sessionId,
    activity: { ...item, ipAddress: null, userAgent: null },
  };
  await send(receivers, frame);
}
