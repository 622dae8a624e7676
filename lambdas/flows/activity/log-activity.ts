import type { ActivityItem, Role } from '../../../protocol/entities.ts';
import type { RollcallError } from '../../../protocol/errors.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Message } from '../../../protocol/messages.ts';
import { type Actor, activityRefused, checkClientActivityType } from '../../activity/activity-events.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import { isAtLeast } from '../../sessions/permissions.ts';
import { refusals } from '../../sessions/refusals.ts';
import { authorizeCaller } from '../callers/authorize-caller.ts';
import type { Caller } from '../callers/caller.ts';
import { actorOf } from '../journal/audit.ts';
import { auditRefusal } from '../journal/audit-refusal.ts';
import { announce, send } from '../presence/announce.ts';

/** What logging has to know of a session. */
interface Room {
  sessionId: string;
  /** The least role that is shown activity. The owner is an operator, so that a role is all that has to be asked for. */
  leastRole: Role;
  /** What the person is called since their last join, maybe by another tab with a newer token. */
  username: string;
}

/** Writes what a participant did into the audit trail and shows it to those who may see it (rules AC1, DE9). */
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

/** The session, provided that the caller may comment there. */
async function roomOf(services: Services, caller: Caller, reference: string): Promise<Room> {
  try {
    const { session, participant } = await authorizeCaller(services, caller, reference, 'comment');
    const username = participant?.name ?? caller.username;
    return { sessionId: session.id, leastRole: session.metadata.visibility?.activity ?? 'viewer', username };
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    services.log.warn('An activity is logged by what the connection table knows', {
      reference,
      error: error.cause as Error,
    });
    return joinedRoom(services, caller, reference, error);
  }
}

/**
 * While PostgreSQL is away what the connection has joined says who may log (rule AC3): a role that changes is written
 * there, too, and who was removed has no membership. Who is shown activity is not, so those are who may see anything.
 */
async function joinedRoom(services: Services, caller: Caller, reference: string, away: RollcallError): Promise<Room> {
  const memberships = await services.registry.memberships(caller.connectionId);
  const joined = memberships.find(
    ({ sessionId, sessionName }) => sessionName === reference || sessionId === reference.toLowerCase(),
  );
  if (!joined) throw away;
  if (!isAtLeast(joined.role, 'commenter')) throw refusals.notAllowed('comment');
  return { sessionId: joined.sessionId, leastRole: 'operator', username: caller.username };
}

/** The address and browser of somebody are for the audit trail, not for the others in the room. */
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

/** Who may be shown it. It is logged already, so that neither store that knows them is needed for the answer. */
async function membersOf(
  services: Services,
  sessionId: string,
): Promise<Pick<Membership, 'connectionId' | 'userId' | 'role'>[]> {
  try {
    return await services.registry.members(sessionId);
  } catch (error) {
    if (!isAway(error, 'connections')) throw error;
    services.log.warn('An activity is shown to those Redis knows', { sessionId, error: error.cause as Error });
    return presentMembers(services, sessionId);
  }
}

/** By Redis; nobody where it is away, too. */
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
