import { z } from 'zod';
import type { ActivityLink } from '../../protocol/audit-chain.ts';
import {
  type ActivityItem,
  type Cursor,
  type LeaveCause,
  type Machine,
  type PresenceUser,
  roles,
  type Session,
  type SessionParticipant,
  type SessionStatus,
  type Stay,
  statuses,
} from '../../protocol/entities.ts';
import { type ErrorCode, errorCodes } from '../../protocol/errors.ts';
import type { ServiceFigures } from '../../protocol/figures.ts';
import type { CursorUpdate, PresenceChange, ServerFrames, ServerFrameType } from '../../protocol/frames.ts';

/**
 * Schemas of the frames that the server sends, for the AsyncAPI description. The server does not check its own frames, so
 * `protocol/frames.ts` has only types. The compiler compares each schema with its type: a field that is missing, additional,
 * optional in one of them only, or of another type is an error.
 */

/** The type of the values, with every optional field at every level required; a missing optional field then shows. */
type Full<T> = T extends readonly (infer V)[] ? Full<V>[] : T extends object ? { [K in keyof T]-?: Full<T[K]> } : T;
type Assignable<A, B> = [A] extends [B] ? true : false;
type Same<A, B> = [Assignable<A, B>, Assignable<B, A>, Assignable<Full<A>, Full<B>>, Assignable<Full<B>, Full<A>>];
type AllTrue = [true, true, true, true];

/** A schema of exactly the type `T`. */
const schemaOf =
  <T>() =>
  <S extends z.ZodType>(schema: S & (Same<z.output<S>, T> extends AllTrue ? unknown : never)): S =>
    schema;

const text = z.string();
const ifTrue = z.literal(true).optional();
const nullableText = text.nullable();
/** Unix milliseconds. */
const time = z.number().int();
const count = z.number().int().min(0);
const json = z.record(text, z.unknown());
const role = z.enum(roles);

const number = z.number();
const known = number.nullable();
const figures = schemaOf<ServiceFigures>()(
  z.object({
    ...{ at: time, seconds: count, activeUsers: count, activeSessions: count, averageLatency: known },
    ...{ heartbeatsMissed: count, redisConnections: known, errorRate: known, online: count, away: count, joins: count },
    ...{ leaves: z.record(text, number), received: count, posted: count, savedShare: known, dollarsPerHour: number },
    ...{ restraint: number, sweepLag: number, sweeps: count, outboxDepth: known },
    sessions: z.object({ active: count, completed: count, failed: count, expired: count }).nullable(),
    cleanup: z
      .object({
        totalSessions: count,
        activeSessions: count,
        inactiveSessions: count,
        sessionsWithRecentActivity: count,
      })
      .nullable(),
  }),
);

const cursor = schemaOf<Cursor>()(z.looseObject({ eventId: text.optional(), position: z.number().optional() }));
const cause = schemaOf<LeaveCause>()(
  z.enum([
    'left',
    'disconnected',
    'timeout',
    'removed',
    'session_ended',
    'session_expired',
    'gone',
    'signed_in',
    'lease_ended',
    'agent_ended',
  ]),
);
const agent = { kind: z.literal('agent').optional(), onBehalfOf: text.optional() };
const user = schemaOf<PresenceUser>()(
  z.object({
    userId: text,
    username: text,
    role,
    status: z.enum(statuses),
    ...{ lastSeen: time, lastActive: time, joinedAt: time },
    guestId: text.optional(),
    ...agent,
    index: count.optional(),
    connections: count,
    cursor: cursor.optional(),
    activity: text.optional(),
    data: json.optional(),
  }),
);
const change = schemaOf<PresenceChange>()(
  z.object({
    userId: text,
    username: text.optional(),
    role: role.optional(),
    status: z.enum(statuses).optional(),
    connections: count.optional(),
    lastActive: time.optional(),
    guestId: text.optional(),
    onBehalfOf: nullableText.optional(),
    activity: nullableText.optional(),
    cursor: cursor.nullable().optional(),
    data: json.optional(),
  }),
);
const cursorUpdate = schemaOf<CursorUpdate>()(z.object({ userId: text, cursor, at: time }));
const metadata = z.looseObject({
  title: text.optional(),
  target: text.optional(),
  objective: text.optional(),
  isPublic: z.boolean().optional(),
  maxParticipants: count.optional(),
  visibility: z.object({ cursors: role.optional(), activity: role.optional() }).optional(),
});
const session = schemaOf<Session>()(
  z.object({
    id: text,
    sessionId: text,
    operationId: text,
    key: text.optional(),
    ownerId: text,
    status: schemaOf<SessionStatus>()(z.enum(['active', 'completed', 'failed', 'expired'])),
    target: nullableText,
    objective: nullableText,
    isPublic: z.boolean(),
    maxParticipants: count,
    metadata,
    startTime: time,
    endTime: time.nullable(),
    active: z.boolean(),
    lastActiveAt: time,
    updatedAt: time,
  }),
);
const participant = schemaOf<SessionParticipant>()(
  z.object({
    id: text,
    sessionId: text,
    userId: nullableText,
    anonymousId: nullableText,
    name: nullableText,
    role,
    isActive: z.boolean(),
    joinedAt: time,
    lastSeenAt: time.nullable(),
    leftAt: time.nullable(),
    ...agent,
  }),
);
const link = schemaOf<ActivityLink>()(
  z.object({
    sequence: count,
    previousHash: text,
    hash: text,
    version: z.union([z.literal(1), z.literal(2)]),
    salt: text.optional(),
    connectionHash: nullableText.optional(),
    end: z.enum(['first', 'last', 'only']).optional(),
    sealed: z
      .object({
        username: nullableText.optional(),
        details: text.optional(),
        ipAddress: nullableText.optional(),
      })
      .optional(),
  }),
);
const activity = schemaOf<ActivityItem>()(
  z.object({
    id: text,
    sessionId: text,
    userId: nullableText,
    username: nullableText,
    activityType: text,
    details: json,
    ipAddress: nullableText,
    userAgent: nullableText,
    createdAt: time,
    link: z.union([link, z.literal('waiting')]).optional(),
  }),
);
const stay = schemaOf<Stay>()(
  z.object({
    userId: text,
    username: nullableText,
    role: nullableText,
    joinedAt: time,
    leftAt: time.nullable(),
    cause: nullableText,
    ...agent,
  }),
);
const machine = schemaOf<Machine>()(
  z.object({ machineId: text, name: text, metadata: json, active: z.boolean(), activeAt: time }),
);
const code = schemaOf<ErrorCode>()(z.enum(Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]]));

const parts = { part: count.optional(), parts: count.optional(), snapshotId: text.optional() };
const snapshot = { epoch: text, seq: count, users: z.array(user), ...parts };
const liveness = { active: z.boolean(), activeAt: time };
const reason = { sessionId: text, reason: text };

type FrameSchemas = { [T in ServerFrameType]: z.ZodType<ServerFrames[T]> };
const frame = <T extends ServerFrameType>() => schemaOf<ServerFrames[T]>();

/** The schema of each frame, without `type` and `requestId`. */
export const serverFrames = {
  welcome: frame<'welcome'>()(
    z.object({
      connectionId: text,
      userId: text,
      username: text,
      heartbeatSeconds: z.number(),
      timeoutSeconds: z.number(),
      awaySeconds: z.number(),
      batchMillis: z.number(),
      rolloverSeconds: z.number(),
      serverTime: time,
      format: z.enum(['json', 'compact']).optional(),
    }),
  ),
  pong: frame<'pong'>()(z.object({ serverTime: time })),
  session_created: frame<'session_created'>()(z.object({ session, ...snapshot })),
  session_joined: frame<'session_joined'>()(z.object({ session, role, ...snapshot })),
  session_opened: frame<'session_opened'>()(z.object({ session, role, created: z.boolean(), ...snapshot })),
  session_left: frame<'session_left'>()(z.object({ sessionId: text })),
  session_ended: frame<'session_ended'>()(z.object(reason)),
  session_recovered: frame<'session_recovered'>()(z.object({ session })),
  session_expiring: frame<'session_expiring'>()(z.object({ sessionId: text, expiresAt: time, early: ifTrue })),
  session_expired: frame<'session_expired'>()(z.object(reason)),
  session_removed: frame<'session_removed'>()(z.object(reason)),
  session_activity: frame<'session_activity'>()(z.object({ sessionId: text, ...liveness })),
  presence_state: frame<'presence_state'>()(z.object({ sessionId: text, ...snapshot })),
  presence_diff: frame<'presence_diff'>()(
    z.object({
      sessionId: text,
      epoch: text,
      seq: count,
      joins: z.array(user),
      updates: z.array(change),
      leaves: z.array(z.object({ userId: text, cause })),
    }),
  ),
  cursors: frame<'cursors'>()(z.object({ sessionId: text, cursors: z.array(cursorUpdate) })),
  pace: frame<'pace'>()(z.object({ sessionId: text, cursorMillis: count, seconds: count })),
  broadcast: frame<'broadcast'>()(
    z.object({
      ...{ sessionId: text, userId: text, event: text, payload: z.unknown().optional(), at: time },
      kind: z.enum(['server', 'agent']).optional(),
    }),
  ),
  participants: frame<'participants'>()(z.object({ sessionId: text, participants: z.array(participant), ...parts })),
  participant_updated: frame<'participant_updated'>()(z.object({ sessionId: text, participant })),
  invite_created: frame<'invite_created'>()(
    z.object({ sessionId: text, inviteId: text, invite: text, expiresAt: time }),
  ),
  activity_logged: frame<'activity_logged'>()(z.object({ activityId: text })),
  activity_page: frame<'activity_page'>()(
    z.object({ sessionId: text, items: z.array(activity), next: text.optional() }),
  ),
  presence_history: frame<'presence_history'>()(z.object({ sessionId: text, at: time, stays: z.array(stay) })),
  activity: frame<'activity'>()(z.object({ sessionId: text, activity })),
  machine_registered: frame<'machine_registered'>()(z.object({ machine })),
  machines: frame<'machines'>()(z.object({ machines: z.array(machine), ...parts })),
  machine_activity: frame<'machine_activity'>()(z.object({ machineId: text, ...liveness })),
  figures: frame<'figures'>()(z.object({ figures })),
  ack: z.object({}),
  error: frame<'error'>()(
    z.object({
      code,
      message: text,
      retryable: z.boolean(),
      retryAfterMillis: z.number().optional(),
      reference: text.optional(),
    }),
  ),
} satisfies FrameSchemas;

/** Schemas that several frames use, by the names of their types. */
export const namedSchemas = {
  Cursor: cursor,
  PresenceUser: user,
  PresenceChange: change,
  CursorUpdate: cursorUpdate,
  Session: session,
  SessionParticipant: participant,
  ActivityItem: activity,
  ActivityLink: link,
  Stay: stay,
  Machine: machine,
  ServiceFigures: figures,
};
