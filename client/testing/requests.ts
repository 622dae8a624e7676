import { claimedRole } from '../../protocol/access-claim.ts';
import type { Role } from '../../protocol/entities.ts';
import { isAtLeast } from '../../protocol/permissions.ts';
import type { Frame } from '../gather.ts';
import type { Json } from '../presence.ts';
import { auditRefusal, authorize, type Call, findRoom, refusals } from './access.ts';
import { activityHandlers } from './activities.ts';
import { checkData } from './check-message.ts';
import { enter, openRoom, roomToJoin, seated } from './joining.ts';
import { machineHandlers } from './machines.ts';
import { participantHandlers } from './participants.ts';
import { createRoom, finish, recover, type Said, saidIn } from './rooms.ts';

/** The messages about sessions, and about who is present there. */
const sessionHandlers: Record<string, (call: Call) => object> = {
  ping: ({ world }) => ({ type: 'pong', serverTime: world.now() }),
  figures_watch() {
    throw refusals.notAllowed();
  },
  session_create(call) {
    const room = createRoom(call);
    enter(call, room);
    return { type: 'session_created', session: room.session, ...room.snapshot(call.connection.userId) };
  },
  session_join(call) {
    const room = roomToJoin(call);
    const role = enter(call, room);
    return { type: 'session_joined', session: room.session, role, ...room.snapshot(call.connection.userId) };
  },
  session_open(call) {
    const { room, created } = openRoom(call);
    const role = enter(call, room);
    const state = { role, created, ...room.snapshot(call.connection.userId) };
    return { type: 'session_opened', session: room.session, ...state };
  },
  session_leave(call) {
    const room = findRoom(call);
    if (room?.access.members.delete(call.connection)) room.release(call.connection, 'left');
    // A connection that numbers its frames may leave before its join arrives.
    else if (call.message['order'] === undefined) throw refusals.notInSession();
    return { type: 'session_left', sessionId: room?.session.id ?? call.message.sessionId };
  },
  session_end(call) {
    const refusalEntry = { type: 'session_end_refused' };
    const room = auditRefusal(call, refusalEntry, () => authorize(call, 'manage', { evenEnded: true }));
    const status = (call.message['status'] as 'completed' | undefined) ?? 'completed';
    finish(room, status, call.world.now(), call.connection);
    return { type: 'session_ended', sessionId: room.session.id, reason: room.session.status };
  },
  session_recover(call) {
    const room = authorize(call, 'manage', { evenEnded: true });
    recover(call, room);
    return { type: 'session_recovered', session: room.session };
  },
  presence_update(call) {
    const room = seated(call);
    const said = saidIn(call.message as Said & Frame);
    checkData(room.people.get(call.connection.userId)?.user.data, said.data);
    room.hear(call.connection, said);
    return { type: 'ack' };
  },
  cursor_update(call) {
    seated(call).hear(call.connection, { cursor: call.message['cursor'] as Json });
    return { type: 'ack' };
  },
  heartbeat(call) {
    const room = seated(call);
    const { cursor, idle, hidden, epoch, seq } = call.message as Frame & {
      cursor?: Json;
      epoch?: string;
      seq?: number;
    };
    room.hear(call.connection, { cursor }, { idle: idle === true, hidden: hidden === true });
    const isBehind = epoch !== undefined && (epoch !== room.epoch || seq! < room.seq);
    if (isBehind) {
      call.connection.send({
        type: 'presence_state',
        sessionId: room.session.id,
        ...room.snapshot(call.connection.userId),
      });
    }
    return { type: 'ack' };
  },
  presence_sync(call) {
    const room = seated(call);
    return { type: 'presence_state', sessionId: room.session.id, ...room.snapshot(call.connection.userId) };
  },
  broadcast(call) {
    const room = seated(call);
    const { event, payload, to } = call.message as Frame & { to?: string[] };
    const { userId, claim } = call.connection;
    const known = room.people.get(userId)!.user.role as Role;
    const role = claim ? claimedRole(claim, room.session.operationId)! : known;
    if (!isAtLeast(role, 'commenter')) throw refusals.notAllowed();
    room.broadcast(
      { type: 'broadcast', userId, event, payload, at: call.world.now() },
      (other) => other !== call.connection && (to?.includes(other.userId) ?? other.userId !== userId),
    );
    return { type: 'ack' };
  },
};

/** The handler of each type of message; its answer is sent with the message's `requestId`. */
export const handlers: Record<string, (call: Call) => object> = {
  ...sessionHandlers,
  ...participantHandlers,
  ...activityHandlers,
  ...machineHandlers,
};
