import type { ActivityItem, Role } from '../../../protocol/entities.ts';
import type { RollcallError } from '../../../protocol/errors.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Message } from '../../../protocol/messages.ts';
import { isAtLeast } from '../../../protocol/permissions.ts';
import { type Actor, activityRefused, checkClientActivityType } from '../../activity/activity-events.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import { refusals } from '../../sessions/refusals.ts';
import { authorizeCaller } from '../callers/authorize-caller.ts';
import type { Caller } from '../callers/caller.ts';
import { actorOf } from '../journal/audit.ts';
import { auditRefusal } from '../journal/audit-refusal.ts';
import { announce, send } from '../presence/announce.ts';

/** What logging needs to know about a session. */
interface Room {
  sessionId: string;
  /** The least role that receives activity. The owner is an operator, so the role alone decides. */
  leastRole: Role;
  /** The name of the user since their last join, which another tab with a newer token may have changed. */
  username: string;
}

/** Writes an activity of a participant into the audit trail and sends it to those who may see it (rules AC1, DE9). */
export async function logActivity(
  services: Services,
  caller: Caller,
  { sessionId: reference, activityType, details, activityId }: Message<'activity_log'>,
): Promise<ServerFrame<'activity_logged'>> {
  const refusalOf = (actor: Actor, reason: string) => activityRefused(actor, activityType, reason);
  const room = await auditRefusal(services, caller, reference, refusalOf, () => roomOf(services, caller, reference));
  checkClientActivityType(activityType);
  const { sessionId, userId, ...context } = { ...actorOf(caller, room.sessionId), username: room.username };
  const logged = await services.activity.logActivity(sessionId, userId, activityType, details, {
    ...context,
    activityId,
    mayRepeat: activityId !== undefined,
  });
  if (logged.isNew) await showActivity(services, logged.activity, room.leastRole, caller.connectionId);
  return { type: 'activity_logged', activityId: logged.activity.id };
}

/** The session, if the caller may comment there. */
async function roomOf(services: Services, caller: Caller, reference: string): Promise<Room> {
  try {
    const { session, participant } = await authorizeCaller(services, caller, reference, 'comment');
    const username = participant?.name ?? caller.username;
    return { sessionId: session.id, leastRole: session.metadata.visibility?.activity ?? 'viewer', username };
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    services.log.warn('PostgreSQL is away; the connection table decides whether an activity is logged', {
      reference,
      error: error.cause as Error,
    });
    return joinedRoom(services, caller, reference, error);
  }
}

/**
 * The same from the memberships of the connection, while PostgreSQL is away (rule AC3). A changed role is in the membership,
 * and a removed user has none. The least role for activity is not there. So only those who may see everything receive the
 * activity.
 */
async function joinedRoom(services: Services, caller: Caller, reference: string, away: RollcallError): Promise<Room> {
  const memberships = await services.registry.memberships(caller.connectionId);
  const joined = memberships.find(
    ({ sessionId, sessionName }) => sessionName === reference || sessionId === reference.toLowerCase(),
  );
  if (!joined) throw away;
  if (!isAtLeast(joined.claimedRole ?? joined.role, 'commenter')) throw refusals.notAllowed('comment');
  return { sessionId: joined.sessionId, leastRole: 'operator', username: caller.username };
}

/** Sends an activity without the address and browser of the user: only the audit trail holds these. */
async function showActivity(
  services: Services,
  item: ActivityItem,
  leastRole: Role,
  exceptConnection: string,
): Promise<void> {
  const members = await membersOf(services, item.sessionId);
  const receivers = members.filter(
    ({ connectionId, role }) => connectionId !== exceptConnection && isAtLeast(role, leastRole),
  );
  const frame: ServerFrame = {
    type: 'activity',
    sessionId: item.sessionId,
    activity: { ...item, ipAddress: null, userAgent: null },
  };
  await send(services, receivers, frame);
}

/** Who may receive the activity. It is logged already, so the answer does not fail if DynamoDB or Redis is away. */
async function membersOf(
  services: Services,
  sessionId: string,
): Promise<Pick<Membership, 'connectionId' | 'userId' | 'role'>[]> {
  try {
    return await services.registry.members(sessionId);
  } catch (error) {
    if (!isAway(error, 'connections')) throw error;
    services.log.warn('DynamoDB is away; an activity is sent to the connections that Redis knows', {
      sessionId,
      error: error.cause as Error,
    });
    return presentMembers(services, sessionId);
  }
}

/** The same from Redis. Empty if Redis is away too. */
async function presentMembers(
  services: Services,
  sessionId: string,
): Promise<{ connectionId: string; userId: string; role: Role }[]> {
  try {
    const { store } = services.presence;
    const [receivers, listed] = await Promise.all([
      store.receivers(sessionId),
      store.list(sessionId, services.clock()),
    ]);
    if (listed) await announce(services, sessionId, listed);
    const roles = new Map(listed?.users.map((user) => [user.userId, user.role]));
    return receivers.flatMap((one) => {
      const role = roles.get(one.userId);
      return role ? [{ ...one, role }] : [];
    });
  } catch (error) {
    if (!isAway(error)) throw error;
    return [];
  }
}
