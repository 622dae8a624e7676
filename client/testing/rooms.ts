import { claimedRole } from '../../protocol/access-claim.ts';
import type { LeaveCause, Status } from '../../protocol/entities.ts';
import type { Frame } from '../gather.ts';
import type { Json } from '../presence.ts';
import { type Call, refuseGuest, retentionMillis, type World } from './access.ts';
import type { ServerConnection } from './person.ts';
import { Refusal } from './refusal.ts';
import { Room } from './room.ts';

export const newId = () => crypto.randomUUID();

/** A session that the caller begins. They own it, also before they have joined it. */
export function createRoom({ world, connection, message }: Call, key?: string): Room {
  refuseGuest({ connection });
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
  const expiry = { reason: 'inactivity_timeout', durationMinutes, participantCount: room.access.holders().length };
  room.trail.add(actor ?? { userId: null, username: null }, cause, actor ? { status } : expiry);
  const reason = actor ? status : 'inactivity_timeout';
  room.tell({ type: cause, reason }, (connection) => connection !== actor);
  for (const userId of [...room.people.keys()]) room.leave(userId, cause);
  room.access.members.clear();
}

/** Warns the participants of the sessions that expire soon, and expires those that were inactive too long. */
export function expireRooms({ rooms, now, sessionTimeoutMillis, sessionWarningMillis }: World): void {
  for (const room of rooms.values()) {
    if (room.session.status !== 'active') continue;
    const expiresAt = room.lastSign + sessionTimeoutMillis;
    if (now() >= expiresAt) finish(room, 'expired', expiresAt);
    else if (!room.isWarned && now() >= expiresAt - sessionWarningMillis) {
      room.isWarned = true;
      room.tell({ type: 'session_expiring', expiresAt });
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
