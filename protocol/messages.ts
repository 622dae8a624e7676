import { z } from 'zod';
import { roles, statuses } from './entities.ts';
import { limits } from './limits.ts';
import { displayName } from './names.ts';
import type { RouteGroup } from './route-group.ts';
import { keepInput, refuseUnacceptable } from './text.ts';

/**
 * All messages that a client may send: their fields, the function that serves them, and whether the answer is a route
 * response. The routes of the stack, the arguments of the handlers and the types of the client come from this table.
 */

/** Marks a size limit, so that the error code is `TOO_LARGE` and not `INVALID_MESSAGE`. */
export const tooLarge = 'too_large';

const utf8 = new TextEncoder();

/** Text with a limit in characters (UTF-16 code units). */
function text(maximum: number) {
  return z.string().refine((value) => value.length <= maximum, {
    error: `must be at most ${maximum} characters`,
    params: { limit: tooLarge },
  });
}

/** A JSON value whose encoding has a limit in UTF-8 bytes. */
function withinBytes(maximum: number) {
  return [
    (value: unknown) => utf8.encode(JSON.stringify(value)).length <= maximum,
    { error: `must be at most ${maximum} bytes of JSON`, params: { limit: tooLarge } },
  ] as const;
}

/** The UTF-8 bytes of the JSON that a change adds to empty data. */
function dataBytes(patch: Record<string, unknown>): number {
  const kept = Object.entries(patch).filter(([, value]) => value !== null);
  return utf8.encode(JSON.stringify(Object.fromEntries(kept))).length;
}

const requiredText = (maximum: number) => text(maximum).refine((value) => value.trim() !== '', 'must not be empty');

const invite = text(2048);
const sessionId = requiredText(255);
const machineId = requiredText(limits.machineIdCharacters);
const role = z.enum(roles);
const jsonObject = z.record(z.string(), z.unknown());
/** Only the two named fields are checked, if present. `null` removes the cursor. */
const cursor = keepInput(
  jsonObject
    .pipe(z.looseObject({ eventId: requiredText(limits.cursorBytes).optional(), position: z.number().optional() }))
    .refine(...withinBytes(limits.cursorBytes))
    .nullable(),
);
const details = keepInput(jsonObject.refine(...withinBytes(limits.detailsBytes)));
/** A change of a user's data. `null` removes a key and counts no bytes. */
const data = keepInput(
  jsonObject.refine((patch) => dataBytes(patch) <= limits.dataBytes, withinBytes(limits.dataBytes)[1]),
);
const ownState = {
  status: z.enum(statuses).optional(),
  activity: text(limits.activityCharacters).nullable().optional(),
  data: data.optional(),
};
/** Of two frames of one connection and session the one with the higher number decides (rule PR18). */
const order = z.number().int().min(0).optional();
/** Any JSON value. */
const payload = keepInput(z.unknown().refine(...withinBytes(limits.payloadBytes)));
const time = z.number().int().min(0).max(8.64e15);
const visibility = z.object({ cursors: role.optional(), activity: role.optional() });
const metadata = keepInput(
  z
    .looseObject({
      title: z.string().optional(),
      target: text(limits.targetCharacters).optional(),
      objective: z.string().optional(),
      isPublic: z.boolean().optional(),
      maxParticipants: z.number().int().min(1).max(limits.maxParticipants).optional(),
      visibility: visibility.optional(),
    })
    .refine(...withinBytes(limits.metadataBytes)),
);

/**
 * The schema of a message with these fields. The checks of `text.ts` apply to all its texts and numbers, also nested
 * ones.
 */
function message<T extends z.ZodRawShape>(fields: T) {
  return z
    .object({ requestId: z.string().max(limits.requestIdCharacters).optional(), ...fields })
    .superRefine(refuseUnacceptable);
}

interface MessageDefinition {
  group: RouteGroup;
  /** Whether the answer is a route response [DE10]. Routes that seldom answer have none; their answers are posted. */
  responds: boolean;
  /** Whether a request without `requestId` is answered only if it fails (marked * in docs/protocol.md). */
  quiet?: boolean;
  schema: z.ZodType;
}

export const messages = {
  hello: {
    group: 'default',
    responds: true,
    schema: message({
      // Name of the client in any form; the service does not use it.
      client: z.unknown().optional(),
      // The form of cursors in sessions that the connection joins afterwards.
      format: z.enum(['json', 'compact']).optional(),
    }),
  },
  ping: { group: 'default', responds: true, schema: message({}) },
  session_create: {
    group: 'session',
    responds: true,
    schema: message({
      operationId: requiredText(limits.operationIdCharacters),
      metadata: metadata.optional(),
      data: data.optional(),
    }),
  },
  session_join: {
    group: 'session',
    responds: true,
    schema: message({ sessionId, order, invite: invite.optional(), ...ownState }),
  },
  session_open: {
    group: 'session',
    responds: true,
    schema: message({
      // The application's own id of what the session is about.
      key: requiredText(limits.keyCharacters),
      order,
      metadata: metadata.optional(),
      invite: invite.optional(),
      ...ownState,
    }),
  },
  session_leave: { group: 'session', responds: true, schema: message({ sessionId, order }) },
  session_end: {
    group: 'session',
    responds: true,
    schema: message({ sessionId, status: z.enum(['completed', 'failed']).optional() }),
  },
  session_recover: { group: 'session', responds: true, schema: message({ sessionId }) },
  presence_update: {
    group: 'presence',
    responds: true,
    quiet: true,
    schema: message({
      sessionId,
      order,
      ...ownState,
      cursor: cursor.optional(),
    }),
  },
  presence_sync: { group: 'presence', responds: true, schema: message({ sessionId }) },
  broadcast: {
    group: 'presence',
    responds: true,
    quiet: true,
    schema: message({
      sessionId,
      event: requiredText(limits.eventCharacters),
      payload: payload.optional(),
      to: z.array(z.guid()).optional(),
    }),
  },
  cursor_update: {
    group: 'cursor',
    responds: false,
    quiet: true,
    schema: message({ sessionId, order, cursor }),
  },
  heartbeat: {
    group: 'heartbeat',
    responds: false,
    quiet: true,
    schema: message({
      sessionId,
      order,
      cursor: cursor.optional(),
      idle: z.boolean().optional(),
      // The timers of this connection are throttled, because its page is hidden.
      hidden: z.boolean().optional(),
      // The last diff that the client applied. If it missed one, it is sent a snapshot.
      epoch: z.string().max(64).optional(),
      seq: z.number().int().min(0).optional(),
    }),
  },
  participants_list: { group: 'session', responds: true, schema: message({ sessionId }) },
  participant_role: {
    group: 'session',
    responds: true,
    schema: message({ sessionId, userId: z.guid(), role }),
  },
  participant_remove: {
    group: 'session',
    responds: true,
    schema: message({ sessionId, userId: z.guid(), reason: text(500).optional() }),
  },
  invite_create: {
    group: 'session',
    responds: true,
    schema: message({
      sessionId,
      role,
      expiresInSeconds: z.number().positive().max(31_536_000).optional(),
      maxUses: z.number().int().min(1).max(1_000_000).optional(),
    }),
  },
  invite_revoke: {
    group: 'session',
    responds: true,
    schema: message({ sessionId, inviteId: z.guid() }),
  },
  activity_log: {
    group: 'activity',
    responds: true,
    schema: message({
      sessionId,
      activityType: requiredText(limits.activityTypeCharacters),
      details: details.optional(),
      activityId: z.guid().optional(),
    }),
  },
  activity_query: {
    group: 'activity',
    responds: true,
    schema: message({
      sessionId,
      limit: z.number().int().min(1).max(limits.pageItems).optional(),
      before: text(512).optional(),
      activityType: text(limits.activityTypeCharacters).optional(),
      userId: z.guid().optional(),
      from: time.optional(),
      to: time.optional(),
    }),
  },
  presence_history: {
    group: 'activity',
    responds: true,
    schema: message({ sessionId, at: time }),
  },
  machine_register: {
    group: 'machine',
    responds: true,
    schema: message({
      machineId,
      name: text(limits.nameCharacters).refine((name) => displayName(name) !== '', 'must have a visible character'),
      metadata: details.optional(),
    }),
  },
  machine_heartbeat: {
    group: 'machine',
    responds: true,
    quiet: true,
    schema: message({ machineId, time: z.number().optional() }),
  },
  machine_list: { group: 'machine', responds: true, schema: message({}) },
} as const satisfies Record<string, MessageDefinition>;

export type MessageType = keyof typeof messages;
export const messageTypes = Object.keys(messages) as MessageType[];

/** The fields of a checked message of this type, without `type`. */
export type Message<T extends MessageType> = z.infer<(typeof messages)[T]['schema']>;

/** The message types of one group. */
export type TypesOfGroup<G extends RouteGroup> = {
  [T in MessageType]: (typeof messages)[T]['group'] extends G ? T : never;
}[MessageType];

/** A message as a client sends it, with its type. */
export type ClientMessage<T extends MessageType = MessageType> = { [K in T]: { type: K } & Message<K> }[T];
