import { z } from 'zod';
import { roles, statuses } from './entities.ts';
import { limits } from './limits.ts';
import { displayName } from './names.ts';
import { asItCame, refuseUnacceptable } from './text.ts';

/**
 * Every message a client may send: its shape, the function that serves it and whether the answer goes back by the route
 * response. The routes of the stack, the arguments of the handlers and the types of the client come from this table.
 */

/** Marks a size limit, so that the refusal is `TOO_LARGE` and not `INVALID_MESSAGE`. */
export const tooLarge = 'too_large';

const utf8 = new TextEncoder();

/** Text with a limit in characters (UTF-16 code units). */
function text(maximum: number) {
  return z.string().refine((value) => value.length <= maximum, {
    error: `must be at most ${maximum} characters`,
    params: { limit: tooLarge },
  });
}

/** A JSON object whose encoding has a limit in UTF-8 bytes. */
function withinBytes(maximum: number) {
  return [
    (value: object) => utf8.encode(JSON.stringify(value)).length <= maximum,
    { error: `must be at most ${maximum} bytes of JSON`, params: { limit: tooLarge } },
  ] as const;
}

const requiredText = (maximum: number) => text(maximum).refine((value) => value.trim() !== '', 'must not be empty');

const sessionId = requiredText(255);
const machineId = requiredText(limits.machineIdCharacters);
const role = z.enum(roles);
const jsonObject = z.record(z.string(), z.unknown());
/** The two named fields are checked where they are there; `null` takes the cursor away. */
const cursor = asItCame(
  jsonObject
    .pipe(z.looseObject({ eventId: requiredText(limits.cursorBytes).optional(), position: z.number().optional() }))
    .refine(...withinBytes(limits.cursorBytes))
    .nullable(),
);
const details = asItCame(jsonObject.refine(...withinBytes(limits.detailsBytes)));
const time = z.number().int().min(0).max(8.64e15);
const visibility = z.object({ cursors: role.optional(), activity: role.optional() });
const metadata = asItCame(
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

/** A message with these fields. Every text and number in it, however deep, is held to the one rule of `text.ts`. */
function message<T extends z.ZodRawShape>(fields: T) {
  return z
    .object({ requestId: z.string().max(limits.requestIdCharacters).optional(), ...fields })
    .superRefine(refuseUnacceptable);
}

/** The groups of routes; one function on AWS serves one group. */
export type RouteGroup = 'default' | 'heartbeat' | 'cursor' | 'presence' | 'session' | 'activity' | 'machine';

interface MessageDefinition {
  group: RouteGroup;
  /**
   * Whether the answer is the route's own response (rule DE10). Routes that seldom answer have none: their rare answers
   * are posted.
   */
  responds: boolean;
  /** Whether a request without `requestId` is answered by nothing unless it fails (marked * in the protocol). */
  quiet?: boolean;
  schema: z.ZodType;
}

export const messages = {
  hello: {
    group: 'default',
    responds: true,
    schema: message({
      // What the client calls itself, in whatever form; nothing depends on it.
      client: z.unknown().optional(),
      // How the connection wants cursors from the sessions it joins afterwards.
      format: z.enum(['json', 'compact']).optional(),
    }),
  },
  ping: { group: 'default', responds: true, schema: message({}) },
  session_create: {
    group: 'session',
    responds: true,
    schema: message({ operationId: requiredText(limits.operationIdCharacters), metadata: metadata.optional() }),
  },
  session_join: {
    group: 'session',
    responds: true,
    schema: message({ sessionId, invite: text(2048).optional() }),
  },
  session_leave: { group: 'session', responds: true, schema: message({ sessionId }) },
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
      status: z.enum(statuses).optional(),
      activity: text(limits.activityCharacters).nullable().optional(),
      cursor: cursor.optional(),
    }),
  },
  presence_sync: { group: 'presence', responds: true, schema: message({ sessionId }) },
  cursor_update: {
    group: 'cursor',
    responds: false,
    quiet: true,
    schema: message({ sessionId, cursor }),
  },
  heartbeat: {
    group: 'heartbeat',
    responds: false,
    quiet: true,
    schema: message({
      sessionId,
      cursor: cursor.optional(),
      idle: z.boolean().optional(),
      // What the client has applied: one that lost a frame is sent the whole state.
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

/** A message of the given type after it was checked, without its `type`. */
export type Message<T extends MessageType> = z.infer<(typeof messages)[T]['schema']>;

/** The types that one function serves. */
export type TypesOfGroup<G extends RouteGroup> = {
  [T in MessageType]: (typeof messages)[T]['group'] extends G ? T : never;
}[MessageType];

/** What a client sends: the type with the message's fields. */
export type ClientMessage<T extends MessageType = MessageType> = { [K in T]: { type: K } & Message<K> }[T];
