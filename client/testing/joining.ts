import { claimedRole } from '../../protocol/access-claim.ts';
import type { Role, SessionStatus } from '../../protocol/entities.ts';
import { isAtLeast } from '../../protocol/permissions.ts';
import type { GuestProof } from '../credentials.ts';
import type { Json } from '../presence.ts';
import {
  accessOf,
  type Call,
  findRoom,
  refusals,
  refuseForeignGuest,
  refuseGuest,
  type World,
  wasRemoved,
} from './access.ts';
import { checkData } from './check-message.ts';
import type { ServerConnection } from './person.ts';
import { Refusal } from './refusal.ts';
import type { Room } from './room.ts';
import type { Invitation } from './room-access.ts';
import { createRoom, type Said, saidIn } from './rooms.ts';

/** Why an invite is not used; `forged` is one that the service did not make. */
type Reason = 'forged' | 'unknown' | 'revoked' | 'expired' | 'removed' | 'used_up' | 'signed_in';

/** An invite in a message, as far as the service knows it. */
interface Brought {
  /** The session that it is for. */
  meant: Room | undefined;
  inviteId: string | undefined;
  /** The invite, if it is for the session that is joined. */
  invitation: Invitation | undefined;
  reason: Reason | undefined;
}

/** The id of a guest: the same browser with the same invite is the same guest. */
export function guestIdOf(secret: string, inviteId: string): string {
  return `guest-${secret}-${inviteId}`;
}

export function findInvite({ rooms }: World, invite: string): { room: Room; invitation: Invitation } | undefined {
  for (const room of rooms.values()) {
    const invitation = room.access.invitations.get(invite);
    if (invitation) return { room, invitation };
  }
  return undefined;
}

function reasonOf(invitation: Invitation, { access }: Room, { userId, guest }: ServerConnection, now: number) {
  const { identities, lastRemovals, rights } = access;
  if (identities.has(userId)) return 'signed_in';
  if (invitation.isRevoked) return 'revoked';
  if (invitation.expiresAt <= now) return 'expired';
  // A removed person needs an invite that is newer than the removal.
  if (invitation.createdAt <= (lastRemovals.get(userId) ?? -1)) return 'removed';
  // A guest who returns was counted when they first joined.
  const isCounted = guest !== undefined && rights.has(userId);
  return invitation.uses >= invitation.maxUses && !isCounted ? 'used_up' : undefined;
}

function bring({ world, connection }: Call, invite: string | undefined, room: Room | undefined): Brought | undefined {
  if (invite === undefined) return undefined;
  const found = findInvite(world, invite);
  if (!found) return { meant: undefined, inviteId: undefined, invitation: undefined, reason: 'forged' };
  const { inviteId } = found.invitation;
  if (found.room !== room) return { meant: found.room, inviteId, invitation: undefined, reason: 'unknown' };
  const reason = reasonOf(found.invitation, room, connection, world.now());
  return { meant: room, inviteId, invitation: found.invitation, reason };
}

function inviteRefusal(reason: Reason): Refusal {
  if (reason === 'expired') return new Refusal('INVITE_EXPIRED', 'This invitation link has expired.');
  return new Refusal('INVITE_INVALID', `This invitation is not valid here (${reason}); ask for another one.`);
}

/** Refuses a join. A refused invite is in the audit trail of the session. */
function refuseJoin({ connection }: Call, room: Room, brought: Brought | undefined, error: Refusal): never {
  const isOver = room.session.status === 'expired' && brought?.meant === room;
  const reason = isOver ? 'expired' : brought?.reason;
  if (reason) room.trail.add(connection, 'invite_refused', { reason, inviteId: brought?.inviteId });
  throw error;
}

/** The session that a message wants to join. An invite for an unknown one gets the same answer as one for another session. */
export function roomToJoin(call: Call): Room {
  const room = findRoom(call);
  refuseForeignGuest(call, room);
  if (room) return room;
  const brought = call.connection.claim ? undefined : bring(call, inviteOf(call), undefined);
  if (!brought) throw refusals.notFound();
  // An invite for a purged session has expired.
  const isMeant = [brought.meant?.session.id, brought.meant?.session.sessionId].includes(call.message.sessionId);
  throw inviteRefusal(isMeant ? 'expired' : brought.reason!);
}

const inviteOf = ({ connection, message }: Call) =>
  (message['invite'] as string | undefined) ?? connection.guest?.invite;

/** Why the caller may not join, apart from what they bring along. */
const overRefusal = (status: SessionStatus, isMeant: boolean) =>
  status === 'expired' && isMeant ? inviteRefusal('expired') : refusals.over();

/** Lets the caller join, if the session, its slots and their access allow it. @returns their role. */
export function enter(call: Call, room: Room): Role {
  const { world, connection, message } = call;
  const { session, access, trail } = room;
  const { userId, username, claim, guest } = connection;
  const proof = message['guest'] as GuestProof | undefined;
  const signedIn = proof && signIn(call, room, proof);
  // A user who takes over the access of a guest needs no invite; one whose guest never joined uses that of the guest.
  const invite = signedIn?.isGranted ? undefined : (inviteOf(call) ?? proof?.invite);
  // An access claim decides alone: an invite is not used.
  const brought = claim ? undefined : bring(call, invite, room);
  const own = accessOf(connection, room);
  const hasOwn = !guest && (signedIn?.grants || own.isOwner || own.role !== null || own.isPublic);
  if (!hasOwn && !brought?.invitation) refuseStranger(call, room, brought);
  if (session.status !== 'active') {
    refuseJoin(call, room, brought, overRefusal(session.status, brought?.meant === room));
  }
  if (!hasOwn && brought?.reason) refuseJoin(call, room, brought, inviteRefusal(brought.reason));
  checkData(room.people.get(userId)?.user.data, message['data'] as Json | undefined);
  if (access.isFullFor(userId, session.maxParticipants, signedIn?.guestId)) {
    refuseJoin(
      call,
      room,
      brought,
      new Refusal('SESSION_FULL', 'All slots are taken; try again when somebody has left.'),
    );
  }
  signedIn?.commit();
  const usesInvite = !claim && raise(room, connection, brought);
  const role = claim ? own.role! : access.rights.get(userId)!;
  if (claim) access.claimed.add(userId);
  else access.claimed.delete(userId);
  access.hold(session.id, { userId, username, isAnonymous: guest !== undefined }, role, world.now());
  if (usesInvite) trail.add(connection, 'invite_used', { inviteId: brought?.inviteId, role });
  if (brought?.reason) trail.add(connection, 'invite_refused', { reason: brought.reason });
  if (signedIn) room.takeOver(signedIn.guestId, connection, role);
  room.enter(connection, role, saidIn(message as Said & Call['message']));
  return role;
}

/**
 * The session of a message whose connection has a seat there. A user who timed out is back with it, if they may still join.
 *
 * @throws Refusal NOT_IN_SESSION for a connection that has not joined.
 */
export function seated(call: Call): Room {
  const { connection } = call;
  const room = findRoom(call);
  const kept = room?.access.members.get(connection);
  if (!room || !kept) throw refusals.notInSession();
  if (room.has(connection)) return room;
  try {
    enter({ ...call, message: { type: 'session_join', ...kept } }, room);
  } catch (error) {
    room.access.members.delete(connection);
    throw error;
  }
  return room;
}

/** Of a session that the user may not see, the answer tells nothing; `session_open` shows only whether a key is in use. */
function refuseStranger(call: Call, room: Room, brought: Brought | undefined): never {
  if (brought?.reason) refuseJoin(call, room, brought, inviteRefusal(brought.reason));
  if (wasRemoved(call.connection, room)) {
    throw new Refusal('PERMISSION_DENIED', 'The owner removed you from this session; ask them for an invitation.');
  }
  if (call.message.type !== 'session_open') throw refusals.notFound();
  throw new Refusal('PERMISSION_DENIED', 'You need an invitation to this session.');
}

/** Sets the role that a person has without a claim. @returns whether that used the invite. */
function raise({ session, access }: Room, { userId }: ServerConnection, brought: Brought | undefined): boolean {
  const { rights, decisions, removals } = access;
  const isMember = rights.has(userId);
  const isOwner = session.ownerId === userId;
  const known = isOwner ? 'operator' : (rights.get(userId) ?? 'viewer');
  rights.set(userId, known);
  removals.delete(userId);
  const invitation = brought?.reason ? undefined : brought?.invitation;
  if (!invitation || isOwner) return false;
  const isLater = invitation.createdAt > (decisions.get(userId) ?? -1);
  const isUsable = !isMember || invitation.uses < invitation.maxUses;
  const isHigher = !isAtLeast(known, invitation.role) && isLater && isUsable;
  if (isHigher) rights.set(userId, invitation.role);
  if (isMember && !isHigher) return false;
  invitation.uses += 1;
  return true;
}

/** What a sign-in does if the user may join: both are one step. */
interface SignIn {
  guestId: string;
  /** Whether the user needs no invite. */
  isGranted: boolean;
  /** Whether it gives the user access. */
  grants: boolean;
  commit(): void;
}

/**
 * Makes a user the guest who they were.
 *
 * @returns undefined if the guest never joined.
 */
function signIn(call: Call, room: Room, proof: GuestProof): SignIn | undefined {
  const { connection } = call;
  const { rights, identities, removals } = room.access;
  if (connection.guest) throw new Refusal('PERMISSION_DENIED', 'Connect with a token to sign in.');
  const brought = bring(call, proof.invite, room)!;
  const { invitation, inviteId, reason } = brought;
  const refuse = (why: Reason) => refuseJoin(call, room, { ...brought, reason: why }, inviteRefusal(why));
  // The service cannot tell for which session a forged invite was.
  if (reason === 'forged') throw inviteRefusal(reason);
  if (!invitation) return refuse(reason!);
  const guestId = guestIdOf(proof.secret, inviteId!);
  const known = identities.get(guestId);
  if (known === connection.userId) return { guestId, isGranted: true, grants: false, commit() {} };
  if (known !== undefined) return refuse('signed_in');
  if (removals.has(guestId)) return refuse('removed');
  const role = rights.get(guestId);
  if (role === undefined) return undefined;
  const isGranted = reason === undefined || reason === 'used_up';
  const commit = () => becomeUser(room, connection, guestId, isGranted ? invitation : undefined);
  return { guestId, isGranted, grants: isGranted, commit };
}

/** @param invitation that of the guest, if the user gets the access of the guest. */
function becomeUser(room: Room, user: ServerConnection, guestId: string, invitation: Invitation | undefined): void {
  const { access, people, trail } = room;
  const { participants, rights, identities, removals, decisions } = access;
  const { userId } = user;
  const role = rights.get(guestId)!;
  const slot = participants.get(guestId)!;
  identities.set(guestId, userId);
  // The user continues the stay of the guest.
  if (invitation && slot.isActive && !participants.get(userId)?.isActive) {
    participants.set(userId, { ...slot, userId, anonymousId: null });
  }
  for (const each of [participants, rights]) each.delete(guestId);
  const own = rights.get(userId);
  const isLater = (decisions.get(guestId) ?? invitation?.createdAt ?? 0) > (decisions.get(userId) ?? -1);
  const decidedAt = Math.max(decisions.get(guestId) ?? -1, decisions.get(userId) ?? -1);
  const granted = own === undefined || (!isAtLeast(own, role) && isLater) ? role : own;
  if (invitation) {
    rights.set(userId, granted);
    removals.delete(userId);
  }
  decisions.set(userId, decidedAt);
  trail.signedIn(guestId, user, granted, people.has(guestId) && people.has(userId));
}

/** The live session of a key, or one that the caller begins. */
export function openRoom(call: Call): { room: Room; created: boolean } {
  const key = call.message['key'] as string;
  const { claim } = call.connection;
  if (claim && !claimedRole(claim, key)) throw new Refusal('PERMISSION_DENIED', 'Your token does not cover this key.');
  const live = [...call.world.rooms.values()].find(({ session }) => session.key === key && session.status === 'active');
  if (live) refuseForeignGuest(call, live);
  else refuseGuest(call);
  return live ? { room: live, created: false } : { room: createRoom(call, key), created: true };
}
