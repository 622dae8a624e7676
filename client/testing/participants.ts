import type { Role } from '../../protocol/entities.ts';
import type { Frame } from '../gather.ts';
import { authorize, type Call } from './access.ts';
import { Refusal } from './refusal.ts';
import type { Room } from './room.ts';
import { newId } from './rooms.ts';

type Terms = { role: Role; expiresInSeconds?: number; maxUses?: number };

/** The owner keeps role and access. */
function refuseOwner({ session }: Room, userId: string): void {
  if (session.ownerId === userId) throw new Refusal('PERMISSION_DENIED', 'The owner stays in the session.');
}

/** The messages about the participants of a session and their invites. */
export const participantHandlers: Record<string, (call: Call) => object> = {
  participants_list(call) {
    const { session, access } = authorize(call, 'view', { evenEnded: true });
    return { type: 'participants', sessionId: session.id, participants: access.holders() };
  },
  participant_role(call) {
    const room = authorize(call, 'manage');
    const { participants, claimed, rights, decisions, removals } = room.access;
    const { userId: named, role } = call.message as Frame & { userId: string; role: Role };
    refuseOwner(room, named);
    const userId = room.access.idOf(named);
    if (claimed.has(userId)) throw new Refusal('PERMISSION_DENIED', "This person's token decides their role.");
    const known = participants.get(userId);
    if (!known || removals.has(userId) || room.session.ownerId === userId) {
      throw new Refusal('NOT_IN_SESSION', 'This person does not take part in the session.');
    }
    const participant = { ...known, role };
    room.trail.add(call.connection, 'participant_role_changed', { targetUserId: userId, role });
    participants.set(userId, participant);
    rights.set(userId, role);
    decisions.set(userId, call.world.now());
    room.setRole(userId, role);
    room.broadcast({ type: 'participant_updated', participant });
    return { type: 'ack' };
  },
  participant_remove(call) {
    const room = authorize(call, 'manage', { evenEnded: true });
    const { userId: named, reason } = call.message as Frame & { userId: string; reason?: string };
    refuseOwner(room, named);
    const userId = room.access.idOf(named);
    if (room.session.ownerId === userId || !room.access.remove(userId, call.world.now())) return { type: 'ack' };
    room.trail.add(call.connection, 'participant_removed', { targetUserId: userId, reason });
    const removed = { type: 'session_removed', reason: reason ?? 'removed' };
    room.broadcast(removed, (other) => other.userId === userId);
    room.dismiss(userId);
    room.leave(userId, 'removed');
    return { type: 'ack' };
  },
  invite_create(call) {
    const room = authorize(call, 'manage');
    const { role, expiresInSeconds = 86_400, maxUses = Infinity } = call.message as unknown as Terms;
    const createdAt = call.world.now();
    const expiresAt = createdAt + Math.round(expiresInSeconds * 1000);
    const invite = `invite-${newId()}`;
    const inviteId = newId();
    const terms = { inviteId, role, createdAt, expiresAt, uses: 0, maxUses, isRevoked: false };
    room.access.invitations.set(invite, terms);
    room.trail.add(call.connection, 'invite_created', { inviteId, role });
    return { type: 'invite_created', sessionId: room.session.id, inviteId, invite, expiresAt };
  },
  invite_revoke(call) {
    const room = authorize(call, 'manage', { evenEnded: true });
    const { inviteId } = call.message;
    const invitation = [...room.access.invitations.values()].find((each) => each.inviteId === inviteId);
    if (!invitation) throw new Refusal('INVITE_INVALID', 'This session has no such invitation.');
    if (!invitation.isRevoked) room.trail.add(call.connection, 'invite_revoked', { inviteId });
    invitation.isRevoked = true;
    return { type: 'ack' };
  },
};
