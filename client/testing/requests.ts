import type { Role } from '../../protocol/entities.ts';
import { isServerActivityType } from '../../protocol/server-activity.ts';
import type { Frame } from '../gather.ts';
import type { Json } from '../presence.ts';
import { checkData } from './check-message.ts';
import { Refusal } from './refusal.ts';
import type { Room } from './room.ts';
import {
  type Call,
  createRoom,
  enter,
  finish,
  isOwner,
  joined,
  newId,
  openRoom,
  recover,
  roomOf,
  roomToJoin,
  type Said,
  saidIn,
} from './rooms.ts';

type Terms = { role: Role; expiresInSeconds?: number; maxUses?: number };
type Entry = { activityType: string; details?: Json; activityId?: string };

/** The owner keeps role and access. */
function refuseOwner({ session }: Room, userId: string): void {
  if (session.ownerId === userId) throw new Refusal('PERMISSION_DENIED', 'The owner stays in the session.');
}

/** The handler of each type of message; its answer is sent with the message's `requestId`. */
export const handlers: Record<string, (call: Call) => object> = {
  ping: ({ world }) => ({ type: 'pong', serverTime: world.now() }),
  session_create(call) {
    const room = createRoom(call);
    enter(call, room);
    return { type: 'session_created', session: room.session, ...room.snapshot() };
  },
  session_join(call) {
    const room = roomToJoin(call);
    const role = enter(call, room);
    return { type: 'session_joined', session: room.session, role, ...room.snapshot() };
  },
  session_open(call) {
    const { room, created } = openRoom(call);
    const role = enter(call, room);
    return { type: 'session_opened', session: room.session, role, created, ...room.snapshot() };
  },
  session_leave(call) {
    const room = roomOf(call);
    room.release(call.connection, 'left');
    return { type: 'session_left', sessionId: room.session.id };
  },
  session_end(call) {
    const room = joined(call, 'owner');
    const status = (call.message['status'] as 'completed' | undefined) ?? 'completed';
    finish(room, status, call.world.now(), call.connection);
    return { type: 'session_ended', sessionId: room.session.id, reason: status };
  },
  session_recover(call) {
    const room = roomOf(call);
    if (!isOwner(call, room)) throw new Refusal('PERMISSION_DENIED', 'Only the owner can bring the session back.');
    recover(call, room);
    return { type: 'session_recovered', session: room.session };
  },
  presence_update(call) {
    const room = joined(call);
    const said = saidIn(call.message as Said & Frame);
    checkData(room.people.get(call.connection.userId)?.user.data, said.data);
    room.hear(call.connection, said);
    return { type: 'ack' };
  },
  cursor_update(call) {
    joined(call).hear(call.connection, { cursor: call.message['cursor'] as Json });
    return { type: 'ack' };
  },
  heartbeat(call) {
    const room = joined(call);
    const { cursor, idle, hidden, epoch, seq } = call.message as Frame & {
      cursor?: Json;
      epoch?: string;
      seq?: number;
    };
    room.hear(call.connection, { cursor }, { idle: idle === true, hidden: hidden === true });
    const isBehind = epoch !== undefined && (epoch !== room.epoch || seq! < room.seq);
    if (isBehind) {
      call.connection.send({ type: 'presence_state', sessionId: room.session.id, ...room.snapshot() });
    }
    return { type: 'ack' };
  },
  presence_sync(call) {
    const room = joined(call);
    return { type: 'presence_state', sessionId: room.session.id, ...room.snapshot() };
  },
  broadcast(call) {
    const room = joined(call, 'commenter');
    const { event, payload, to } = call.message as Frame & { to?: string[] };
    const { userId } = call.connection;
    room.broadcast(
      { type: 'broadcast', userId, event, payload, at: call.world.now() },
      (other) => other !== call.connection && (to?.includes(other.userId) ?? other.userId !== userId),
    );
    return { type: 'ack' };
  },
  participants_list(call) {
    const room = joined(call);
    return { type: 'participants', sessionId: room.session.id, participants: [...room.participants.values()] };
  },
  participant_role(call) {
    const room = joined(call, 'owner');
    const { userId, role } = call.message as Frame & { userId: string; role: Role };
    if (room.claimed.has(userId)) throw new Refusal('PERMISSION_DENIED', "This person's token decides their role.");
    refuseOwner(room, userId);
    const known = room.participants.get(userId);
    if (!known) throw new Refusal('NOT_IN_SESSION', 'This person does not take part in the session.');
    const participant = { ...known, role };
    room.trail.add(call.connection, 'participant_role_changed', { targetUserId: userId, role });
    room.participants.set(userId, participant);
    room.rights.set(userId, role);
    room.setRole(userId, role);
    room.broadcast({ type: 'participant_updated', participant });
    return { type: 'ack' };
  },
  participant_remove(call) {
    const room = joined(call, 'owner');
    const { userId, reason = 'removed' } = call.message as Frame & { userId: string; reason?: string };
    refuseOwner(room, userId);
    if (!room.participants.has(userId)) return { type: 'ack' };
    room.trail.add(call.connection, 'participant_removed', { targetUserId: userId, reason: call.message['reason'] });
    room.broadcast({ type: 'session_removed', reason }, (other) => other.userId === userId);
    for (const known of [room.participants, room.rights, room.claimed]) known.delete(userId);
    room.leave(userId, 'removed');
    return { type: 'ack' };
  },
  invite_create(call) {
    const room = joined(call, 'owner');
    const { role, expiresInSeconds = 86_400, maxUses = Infinity } = call.message as unknown as Terms;
    const expiresAt = call.world.now() + expiresInSeconds * 1000;
    const invite = `invite-${newId()}`;
    const inviteId = newId();
    room.invitations.set(invite, { inviteId, role, expiresAt, uses: maxUses });
    room.trail.add(call.connection, 'invite_created', { inviteId, role });
    return { type: 'invite_created', sessionId: room.session.id, inviteId, invite, expiresAt };
  },
  invite_revoke(call) {
    const room = joined(call, 'owner');
    for (const [invite, { inviteId }] of room.invitations) {
      if (inviteId !== call.message['inviteId']) continue;
      room.invitations.delete(invite);
      room.trail.add(call.connection, 'invite_revoked', { inviteId });
    }
    return { type: 'ack' };
  },
  activity_log(call) {
    const room = joined(call, 'commenter');
    const { activityType, details = {}, activityId = newId() } = call.message as unknown as Entry;
    if (isServerActivityType(activityType)) {
      throw new Refusal('INVALID_MESSAGE', `Only the server writes activity of the type "${activityType}".`);
    }
    if (!room.trail.items.some(({ id }) => id === activityId)) {
      const activity = room.trail.add(call.connection, activityType, details, activityId);
      room.broadcast({ type: 'activity', activity }, (other) => other !== call.connection);
    }
    return { type: 'activity_logged', activityId };
  },
  activity_query(call) {
    const room = joined(call);
    const {
      limit = 100,
      before = '0',
      activityType,
      userId,
      from = 0,
      to = Infinity,
    } = call.message as Frame & Record<string, never>;
    const matching = room.trail.items.filter(
      (each) =>
        (activityType ?? each.activityType) === each.activityType &&
        (userId ?? each.userId) === (room.identities.get(each.userId!) ?? each.userId) &&
        each.createdAt >= from &&
        each.createdAt < to,
    );
    const end = Number(before) + limit;
    const next = end < matching.length ? { next: String(end) } : {};
    return { type: 'activity_page', sessionId: room.session.id, items: matching.slice(Number(before), end), ...next };
  },
  presence_history(call) {
    const room = joined(call);
    const at = call.message['at'] as number;
    const stays = room.trail.stays.filter(({ joinedAt, leftAt }) => joinedAt <= at && (leftAt ?? Infinity) > at);
    return { type: 'presence_history', sessionId: room.session.id, at, stays };
  },
  machine_register({ world, connection, message }) {
    const { machineId, name, metadata = {} } = message as Frame & Record<string, string | object>;
    const machine = { machineId, name, metadata, active: true, activeAt: world.now() };
    world.machines.set(`${connection.userId}/${machineId}`, machine);
    return { type: 'machine_registered', machine };
  },
  machine_heartbeat({ world, connection, message }) {
    const machine = world.machines.get(`${connection.userId}/${message['machineId']}`);
    if (!machine) throw new Refusal('MACHINE_NOT_FOUND', 'Register the machine first.');
    Object.assign(machine, { active: true, activeAt: world.now() });
    return { type: 'ack' };
  },
  machine_list: ({ world, connection }) => ({
    type: 'machines',
    machines: [...world.machines]
      .filter(([id]) => id.startsWith(`${connection.userId}/`))
      .map(([, machine]) => machine),
  }),
};
