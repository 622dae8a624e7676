import { claimedRole } from '../../protocol/access-claim.ts';
import type { LeaveCause, Role, Status } from '../../protocol/entities.ts';
import { settingDefaults } from '../../protocol/timings.ts';
import type { GuestProof } from '../credentials.ts';
import type { Frame } from '../gather.ts';
import type { Json } from '../presence.ts';
import { checkData } from './check-message.ts';
import { Refusal } from './refusal.ts';
import { Room, type ServerConnection } from './room.ts';

/** The state of the service. */
export interface World {
  rooms: Map<string, Room>;
  /** The machines by owner and id. */
  machines: Map<string, Record<string, unknown>>;
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
const retentionMillis = settingDefaults.SESSION_RETENTION_HOURS * 3_600_000;
const ranks: Role[] = ['viewer', 'commenter', 'operator'];
export const newId = () => crypto.randomUUID();

const refusedInvite = () => new Refusal('INVITE_INVALID', 'This invitation is not valid any more.');
const notFound = () =>
  new Refusal('SESSION_NOT_FOUND', 'There is no such session, or you may not see it; check the link.');

function findRoom({ world, message: { sessionId } }: Call): Room | undefined {
  return [...world.rooms.values()].find(({ session }) => session.id === sessionId || session.sessionId === sessionId);
}

/** A session that the caller may see. For any other session the answer is as for an unknown id. */
export function roomOf(call: Call): Room {
  const room = findRoom(call);
  if (!room || !maySee(call, room)) throw notFound();
  return room;
}

/** Whether the caller may see the session without an invite. An access claim decides alone. */
function maySee({ connection: { userId, claim } }: Call, { session, rights }: Room): boolean {
  if (claim) return claimedRole(claim, session.operationId) !== undefined;
  return session.isPublic || session.ownerId === userId || rights.has(userId);
}

/** The session of a message whose connection has joined. */
export function joined(call: Call, needed: 'viewer' | 'commenter' | 'owner' = 'viewer'): Room {
  const room = findRoom(call);
  const { userId, claim } = call.connection;
  if (!room?.has(call.connection)) throw new Refusal('NOT_IN_SESSION', 'Join the session first.');
  const role = claim ? claimedRole(claim, room.session.operationId)! : (room.rights.get(userId) ?? 'viewer');
  const mayDo = isOwner(call, room) || (needed !== 'owner' && ranks.indexOf(role) >= ranks.indexOf(needed));
  if (!mayDo) throw new Refusal('PERMISSION_DENIED', 'Your role does not allow this; ask the owner.');
  return room;
}

/** Whether the caller may do what an owner does. An owner with an access claim must be operator by it. */
export function isOwner({ connection: { userId, claim } }: Call, { session }: Room): boolean {
  return session.ownerId === userId && (!claim || claimedRole(claim, session.operationId) === 'operator');
}

export function createRoom({ world, connection, message }: Call, key?: string): Room {
  const { operationId = key, metadata = {} } = message as Frame & { operationId: string; metadata: Json };
  if (connection.claim && claimedRole(connection.claim, operationId!) !== 'operator') {
    throw new Refusal('PERMISSION_DENIED', 'Your token does not let you begin a session here.');
  }
  const now = world.now();
  const id = newId();
  const session = {
    id,
    sessionId: `SESSION-${id.slice(0, 8).toUpperCase()}`,
    operationId: operationId!,
    ownerId: connection.userId,
    status: 'active' as const,
    target: (metadata['target'] as string) ?? null,
    objective: (metadata['objective'] as string) ?? null,
    // A user who knows the key of a session may join, unless its creator decided otherwise.
    isPublic: metadata['isPublic'] === true || (key !== undefined && metadata['isPublic'] !== false),
    maxParticipants: (metadata['maxParticipants'] as number) ?? 50,
    metadata,
    startTime: now,
    endTime: null,
    active: true,
    lastActiveAt: now,
    updatedAt: now,
    ...(key === undefined ? {} : { key }),
  };
  const room = new Room(session, world.now);
  world.rooms.set(id, room);
  room.trail.add(connection, 'session_created', { operationId });
  return room;
}

/** The session that a message wants to join. With an invite, a refusal is about the invite only. */
export function roomToJoin(call: Call): Room {
  const { claim } = call.connection;
  const room = findRoom(call);
  if (room) return room;
  throw call.message['invite'] && !claim ? refusedInvite() : notFound();
}

export function enter(call: Call, room: Room): Role {
  const { connection, message } = call;
  const { userId, username, claim } = connection;
  const { session, participants, rights, claimed } = room;
  const proof = message['guest'] as GuestProof | undefined;
  const signedInAs = proof && signIn(call, room, proof);
  if (room.identities.has(userId)) throw refusedInvite();
  const known = participants.get(userId);
  // An access claim decides alone: an invite is not used.
  // A user who takes over the access of a guest needs no invite; one whose guest never joined uses that of the guest.
  const invite = signedInAs ? undefined : (message['invite'] ?? proof?.invite);
  const invitation = claim ? undefined : room.invitations.get(invite as string);
  if (invite && !invitation && !claim) throw refusedInvite();
  if (!invitation && !maySee(call, room)) {
    // As in the service, the answer hides a session that the user may not see. It shows only whether a key is in use.
    if (message.type !== 'session_open') throw notFound();
    throw new Refusal('PERMISSION_DENIED', 'You need an invitation to this session.');
  }
  if (session.status !== 'active') throw new Refusal('SESSION_INACTIVE', 'This session is over; start a new one.');
  const isFull =
    !known?.isActive && [...participants.values()].filter((each) => each.isActive).length >= session.maxParticipants;
  checkData(room.people.get(userId)?.user.data, message['data'] as Json | undefined);
  if (isFull) throw new Refusal('SESSION_FULL', 'All places are taken.');
  if (invitation) invitation.uses -= 1;
  if (invitation && invitation.uses < 0) throw new Refusal('INVITE_INVALID', 'This invitation was used up.');
  const ownRole = session.ownerId === userId ? 'operator' : (invitation?.role ?? rights.get(userId) ?? 'viewer');
  const role = claim ? claimedRole(claim, session.operationId)! : ownRole;
  if (claim) claimed.add(userId);
  else {
    claimed.delete(userId);
    rights.set(userId, ownRole);
  }
  const now = room.session.updatedAt;
  const participant = { id: newId(), sessionId: session.id, userId, anonymousId: null, name: username, role };
  participants.set(userId, { ...participant, isActive: true, joinedAt: now, lastSeenAt: now, leftAt: null });
  if (invitation) room.trail.add(connection, 'invite_used', { inviteId: invitation.inviteId, role });
  if (signedInAs) room.takeOver(signedInAs, connection, role);
  room.enter(connection, role, saidIn(message as Said & Frame));
  return role;
}

/**
 * Gives a user the access of the guest who they were.
 *
 * @returns the id of the guest; undefined if the guest never joined.
 */
function signIn({ connection }: Call, room: Room, proof: GuestProof): string | undefined {
  const { participants, rights, identities, invitations, people } = room;
  const { userId } = connection;
  if (userId.startsWith('guest-')) throw new Refusal('PERMISSION_DENIED', 'Connect with a token to sign in.');
  const guestId = `guest-${proof.secret}`;
  const isOther = (identities.get(guestId) ?? userId) !== userId;
  if (!invitations.has(proof.invite) || isOther) throw refusedInvite();
  const role = rights.get(guestId);
  if (role === undefined) return identities.has(guestId) ? guestId : undefined;
  const own = rights.get(userId) ?? 'viewer';
  const higher = ranks.indexOf(own) > ranks.indexOf(role) ? own : role;
  rights.set(userId, higher);
  for (const known of [participants, rights]) known.delete(guestId);
  identities.set(guestId, userId);
  room.trail.signedIn(guestId, connection, higher, people.has(guestId) && people.has(userId));
  return guestId;
}

export function openRoom(call: Call): { room: Room; created: boolean } {
  const key = call.message['key'] as string;
  const { claim } = call.connection;
  if (claim && !claimedRole(claim, key)) throw new Refusal('PERMISSION_DENIED', 'Your token does not cover this key.');
  const live = [...call.world.rooms.values()].find(({ session }) => session.key === key && session.status === 'active');
  return live ? { room: live, created: false } : { room: createRoom(call, key), created: true };
}

/** @param actor who ended it; nobody if it expired at `endTime`, Unix milliseconds. */
export function finish(
  room: Room,
  status: 'completed' | 'failed' | 'expired',
  endTime: number,
  actor?: ServerConnection,
): void {
  if (room.session.status !== 'active') return;
  room.session = { ...room.session, status, endTime, active: false };
  const cause: LeaveCause = actor ? 'session_ended' : 'session_expired';
  const durationMinutes = Math.round((endTime - room.session.startTime) / 60_000);
  const expiry = { reason: 'inactivity_timeout', durationMinutes, participantCount: room.people.size };
  room.trail.add(actor ?? { userId: null, username: null }, cause, actor ? { status } : expiry);
  const reason = actor ? status : 'inactivity_timeout';
  room.broadcast({ type: cause, reason }, (connection) => connection !== actor);
  for (const userId of [...room.people.keys()]) room.leave(userId, cause);
}

/** Warns the participants of the sessions that expire soon, and expires those that were inactive too long. */
export function expireRooms({ rooms, now, sessionTimeoutMillis, sessionWarningMillis }: World): void {
  for (const room of rooms.values()) {
    if (room.session.status !== 'active') continue;
    const expiresAt = room.lastSign + sessionTimeoutMillis;
    if (now() >= expiresAt) finish(room, 'expired', expiresAt);
    else if (!room.isWarned && now() >= expiresAt - sessionWarningMillis) {
      room.isWarned = true;
      room.broadcast({ type: 'session_expiring', expiresAt });
    }
  }
}

/** Recovers an expired session, if its retention has not ended and its key has no other session. An active one stays as it is. */
export function recover({ world, connection }: Call, room: Room): void {
  const { status, endTime, key } = room.session;
  if (status === 'active') return;
  if (status !== 'expired') throw new Refusal('SESSION_INACTIVE', 'This session has ended; start a new one.');
  const isOther = ({ session }: Room) => key !== undefined && session.key === key && session.status === 'active';
  if (endTime! + retentionMillis <= world.now() || [...world.rooms.values()].some(isOther)) {
    throw new Refusal('SESSION_INACTIVE', 'It expired too long ago, or another session has begun under its key.');
  }
  const now = room.signOfLife();
  room.session = { ...room.session, status: 'active', active: true, endTime: null, lastActiveAt: now, updatedAt: now };
  room.trail.add(connection, 'session_recovered');
}

export type Said = { status?: Status; activity?: string | null; data?: Json; cursor?: Json | null };

/** The user's state in a message. */
export function saidIn({ status, activity, data, cursor }: Said & Frame): Said {
  return { status, activity, data, cursor };
}
