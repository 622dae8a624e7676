import type { AccessClaim } from '../../protocol/access-claim.ts';
import { bearerPrefix } from '../../protocol/frames.ts';
import { limits } from '../../protocol/limits.ts';
import { displayName } from '../../protocol/names.ts';
import { utf8Bytes } from '../../protocol/text.ts';
import { connectionLifetimeMillis, settingDefaults } from '../../protocol/timings.ts';
import type { Frame } from '../gather.ts';
import type { World } from './access.ts';
import { checkMessage } from './check-message.ts';
import type { Clock } from './clock.ts';
import type { Accept, ServerSocket } from './device.ts';
import { findInvite, guestIdOf } from './joining.ts';
import { offlineAfter, type ServerConnection } from './person.ts';
import { Refusal } from './refusal.ts';
import { handlers } from './requests.ts';
import { expireRooms } from './rooms.ts';
import { claimsOf } from './token.ts';

/** A frame that the service received. */
export interface Recorded {
  userId: string;
  frame: Frame;
  /** Unix milliseconds of the virtual clock. */
  at: number;
}

/** The in-memory service. */
export interface Service {
  accept: Accept;
  world: World;
  /** Whether a token is valid now. */
  isValid(token: string): boolean;
  /** Revoked tokens. */
  withdrawn: Set<string>;
  /** The tokens of all handshakes, and whether each was valid at that time. */
  handshakes: { token: string; isValid: boolean }[];
  frames: Recorded[];
  /** Lets the next matching frames fail or get lost. */
  intercept: ((frame: Frame, userId: string) => 'drop' | Refusal | undefined) | undefined;
  /** Loses the next frame of this type to this user. */
  loseNext(userId: string, type: string): void;
}

export interface ServiceOptions {
  heartbeatSeconds: number;
  rolloverSeconds: number;
  sessionTimeoutMillis: number;
  /** How long before the expiry participants are warned; by default five minutes, at most half of the timeout. */
  sessionWarningMillis?: number;
}

/** The user or guest of an accepted handshake. */
interface Admitted {
  userId: string;
  username: string;
  claim?: AccessClaim | undefined;
  /** Until when the claim holds, Unix milliseconds. */
  claimUntil?: number;
  guest?: ServerConnection['guest'];
}

const spacing = 1000 / limits.messagesPerSecond;
const sweepMillis = 1000;
const warningMillis = settingDefaults.SESSION_WARNING_MINUTES * 60_000;
const cleanCodes = [1000, 1001, 1005];

export function createService(clock: Clock, options: ServiceOptions): Service {
  const { now } = clock;
  const { sessionTimeoutMillis, sessionWarningMillis = Math.min(warningMillis, sessionTimeoutMillis / 2) } = options;
  const world: World = {
    rooms: new Map(),
    machines: new Map(),
    now,
    sessionTimeoutMillis,
    sessionWarningMillis,
  };
  const withdrawn = new Set<string>();
  const losing = new Set<string>();
  const service: Service = {
    accept,
    world,
    withdrawn,
    isValid: (token) => !withdrawn.has(token) && (claimsOf(token)?.exp ?? 0) * 1000 > now(),
    handshakes: [],
    frames: [],
    intercept: undefined,
    loseNext: (userId, type) => void losing.add(`${userId} ${type}`),
  };
  let isSweeping = false;
  /** The open sockets, with the times at which they were opened. */
  const sockets = new Map<ServerSocket, number>();

  /** Closes the sockets that have reached the longest lifetime of a connection. */
  function closeOld(): void {
    for (const [socket, openedAt] of sockets) {
      if (now() - openedAt < connectionLifetimeMillis) continue;
      socket.close(1001);
      socket.onClose(1001);
    }
  }

  /** Runs as a timer only while there are users or active sessions, so that the clock of a test has no timers afterwards. */
  function sweep(): void {
    closeOld();
    expireRooms(world);
    for (const room of world.rooms.values()) room.sweep();
    isSweeping = [...world.rooms.values()].some(
      ({ people, session }) => people.size > 0 || session.status === 'active',
    );
    if (isSweeping) clock.after(sweepMillis, sweep);
  }

  function accept(url: string, protocols: readonly string[], socket: ServerSocket): number | undefined {
    const query = new URL(url).searchParams;
    const bearer = protocols.find((each) => each.startsWith(bearerPrefix))?.slice(bearerPrefix.length);
    const token = bearer ?? query.get('token') ?? undefined;
    if (token !== undefined) {
      const isValid = service.isValid(token);
      service.handshakes.push({ token, isValid });
      if (!isValid) return 403;
      const { sub, name, exp, rollcall } = claimsOf(token)!;
      const username = displayName(name) || displayName(sub) || 'Unnamed';
      serve(socket, { userId: sub, username, claim: rollcall?.sessions, claimUntil: exp * 1000 });
      return undefined;
    }
    const invite = query.get('invite');
    if (invite === null) return 401;
    const guest = admit(invite, displayName(query.get('name') ?? '') || 'Guest', query.get('guest'));
    if (!guest) return 403;
    serve(socket, guest);
    return undefined;
  }

  /** A guest with an invite that has not expired. The join checks whether it was revoked or used up. */
  function admit(invite: string, username: string, secret: string | null): Admitted | undefined {
    const found = findInvite(world, invite);
    if (!found) return undefined;
    const { room, invitation } = found;
    const { inviteId, expiresAt } = invitation;
    if (expiresAt <= now()) {
      room.trail.add({ userId: null, username }, 'invite_refused', { reason: 'expired', inviteId });
      return undefined;
    }
    const userId = guestIdOf(secret ?? crypto.randomUUID(), inviteId);
    return { userId, username, guest: { sessionId: room.session.id, invite } };
  }

  function serve(socket: ServerSocket, { userId, username, claim, claimUntil = Infinity, guest }: Admitted): void {
    let onTime = 0;
    const orders = new Map<unknown, number>();
    const connection: ServerConnection = {
      userId,
      username,
      claim,
      guest,
      compact: false,
      send(frame) {
        if (losing.delete(`${userId} ${(frame as { type?: string }).type}`)) return;
        socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
      },
    };

    function isOverLimit(): boolean {
      onTime = Math.max(now(), onTime);
      if (onTime - now() > spacing * (limits.messageBurst - 1)) return true;
      onTime += spacing;
      return false;
    }

    function answer(frame: Frame): object {
      if (claim && now() >= claimUntil) throw new Refusal('UNAUTHENTICATED', 'Your token has expired; connect again.');
      if (frame.type === 'hello') return welcome(frame);
      const { order } = frame as { order?: number };
      if (order !== undefined) {
        const isOvertaken = order <= (orders.get(frame.sessionId) ?? 0);
        if (isOvertaken) return { type: 'ack' };
        orders.set(frame.sessionId, order);
      }
      for (const room of world.rooms.values()) {
        if (!frame.sessionId || frame.sessionId === room.session.id) room.touch(connection);
      }
      const handler = handlers[frame.type];
      if (!handler) throw new Refusal('INVALID_MESSAGE', `There is no message ${frame.type}.`);
      return handler({ world, connection, message: frame });
    }

    function welcome({ format }: Frame): object {
      connection.compact = format === 'compact';
      const { heartbeatSeconds, rolloverSeconds } = options;
      const timeoutSeconds = offlineAfter / 1000;
      const times = { heartbeatSeconds, timeoutSeconds, awaySeconds: 120, batchMillis: 100, rolloverSeconds };
      const who = { connectionId: crypto.randomUUID(), userId, username };
      return { type: 'welcome', ...who, ...times, serverTime: now(), format };
    }

    socket.onText = (text) => {
      if (utf8Bytes(text) > limits.messageBytes) {
        // API Gateway ends a connection that sends a larger frame.
        socket.close(1009);
        socket.onClose(1009);
        return;
      }
      const frame = JSON.parse(text) as Frame;
      service.frames.push({ userId, frame, at: now() });
      const { requestId, type } = frame;
      try {
        const fault = service.intercept?.(frame, userId);
        if (fault === 'drop') return;
        if (fault) throw fault;
        checkMessage(frame);
        if (isOverLimit()) {
          if (type === 'cursor_update') return;
          throw new Refusal('RATE_LIMITED', 'Too many messages; wait a moment.');
        }
        const reply = answer(frame);
        const isQuiet = /^(presence_update|cursor_update|heartbeat|machine_heartbeat|broadcast)$/.test(type);
        if (requestId !== undefined || !isQuiet) connection.send({ ...reply, requestId });
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { code, message } = error;
        const retryable = code === 'RATE_LIMITED' || code === 'UNAVAILABLE';
        connection.send({ type: 'error', requestId, code, message, retryable });
      }
      if (!isSweeping) sweep();
    };
    sockets.set(socket, now());
    socket.onClose = (code) => {
      if (!sockets.delete(socket)) return;
      const grace = cleanCodes.includes(code) ? 3000 : 15_000;
      for (const room of world.rooms.values()) {
        room.access.members.delete(connection);
        room.break(connection, grace);
      }
    };
  }

  return service;
}
