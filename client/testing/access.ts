import { claimedRole } from '../../protocol/access-claim.ts';
import { type Access, type Action, isAtLeast, isPermitted } from '../../protocol/permissions.ts';
import { settingDefaults } from '../../protocol/timings.ts';
import type { Frame } from '../gather.ts';
import type { ServerConnection } from './person.ts';
import { Refusal } from './refusal.ts';
import type { Room } from './room.ts';

/** The state of the service. */
export interface World {
  rooms: Map<string, Room>;
  /** The machines by id. */
  machines: Map<string, Record<string, unknown> & { ownerId: string }>;
  now(): number;
  /** How long a session may be inactive before it expires, in milliseconds. */
  sessionTimeoutMillis: number;
  /** How long before the expiry its participants are warned, in milliseconds. */
  sessionWarningMillis: number;
}

export interface Call {
  world: World;
  connection: ServerConnection;
  message: Frame;
}

/** How long an expired session can be recovered. */
export const retentionMillis = settingDefaults.SESSION_RETENTION_HOURS * 3_600_000;
/** The service purges a session with the first cleanup after its retention. Here that is the latest moment. */
const purgeMillis = retentionMillis + settingDefaults.CLEANUP_INTERVAL_MINUTES * 60_000;

export const refusals = {
  notFound: () => new Refusal('SESSION_NOT_FOUND', 'There is no such session, or you may not see it; check the link.'),
  notInSession: () => new Refusal('NOT_IN_SESSION', 'Join the session first.'),
  over: () => new Refusal('SESSION_INACTIVE', 'This session is over; start a new one.'),
  notAllowed: () => new Refusal('PERMISSION_DENIED', 'You may not do this here; ask the owner.'),
  guestElsewhere: () =>
    new Refusal('PERMISSION_DENIED', 'A guest can only use the session they were invited to; sign in to use others.'),
};

function isPurged({ session: { status, endTime } }: Room, now: number): boolean {
  return status !== 'active' && endTime! + purgeMillis <= now;
}

/** The session of a message, by its UUID or name; also a purged one. */
function everRoom({ world, message: { sessionId } }: Call): Room | undefined {
  return [...world.rooms.values()].find(
    ({ session }) => session.id === String(sessionId).toLowerCase() || session.sessionId === sessionId,
  );
}

export function findRoom(call: Call): Room | undefined {
  const room = everRoom(call);
  return room && !isPurged(room, call.world.now()) ? room : undefined;
}

/** A guest exists inside one session only. */
export function refuseGuest({ connection }: Pick<Call, 'connection'>): void {
  if (connection.guest) throw refusals.guestElsewhere();
}

/** Whether that session exists makes no difference. */
export function refuseForeignGuest({ connection: { guest } }: Pick<Call, 'connection'>, room: Room | undefined): void {
  if (guest && guest.sessionId !== room?.session.id) throw refusals.guestElsewhere();
}

/** The access of a connection to a session. An access claim decides alone. */
export function accessOf({ userId, claim }: ServerConnection, { session, access }: Room): Access {
  const isOwner = session.ownerId === userId;
  if (!claim) return { isOwner, role: access.rights.get(userId) ?? null, isPublic: session.isPublic };
  const role = claimedRole(claim, session.operationId) ?? null;
  return { isOwner: isOwner && role === 'operator', role, isPublic: false };
}

/** Whether somebody was removed, or was a guest who has signed in. */
export function wasRemoved({ userId, claim }: ServerConnection, { access }: Room): boolean {
  return !claim && (access.removals.has(userId) || access.identities.has(userId));
}

/**
 * The session of a message, if the caller may do this there. They need no seat.
 *
 * @param options `evenEnded` for what can be done with a session that is over.
 */
export function authorize(call: Call, action: Action, options: { evenEnded?: boolean } = {}): Room {
  const room = findRoom(call);
  refuseForeignGuest(call, room);
  if (!room) throw refusals.notFound();
  const access = accessOf(call.connection, room);
  if (!isPermitted(access, action)) {
    const isTold = wasRemoved(call.connection, room) || isPermitted(access, 'view');
    throw isTold ? refusals.notAllowed() : refusals.notFound();
  }
  if (!options.evenEnded && room.session.status !== 'active') throw refusals.over();
  return room;
}

/** The session whose audit trail the caller may read. The owner may also read that of a purged one. */
export function authorizeAudit(call: Call): Room {
  const purged = findRoom(call) ? undefined : everRoom(call);
  if (purged && !call.connection.guest && accessOf(call.connection, purged).isOwner) return purged;
  const room = authorize(call, 'view', { evenEnded: true });
  const least = room.session.metadata.visibility?.activity;
  const { isOwner, role } = accessOf(call.connection, room);
  if (least && !isOwner && !(role && isAtLeast(role, least))) throw refusals.notAllowed();
  return room;
}

/**
 * Does something for the caller. If they may see the session and may not do this, its audit trail says who tried: one entry of each
 * type for each user and minute.
 */
export function auditRefusal<T>(call: Call, entry: { type: string; details?: object }, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const room = everRoom(call);
    const isNoted = error instanceof Refusal && error.code === 'PERMISSION_DENIED' && room;
    const { connection, world } = call;
    if (isNoted && (!connection.guest || connection.guest.sessionId === room.session.id)) {
      const id = `${entry.type} ${connection.userId} ${Math.floor(world.now() / 60_000)}`;
      const details = { reason: 'PERMISSION_DENIED', ...entry.details };
      room.trail.addOnce(id, connection, entry.type, details);
    }
    throw error;
  }
}
