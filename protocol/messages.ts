import * as z from 'zod/mini';
import { roles, statuses } from './entities.ts';
import { limits } from './limits.ts';
import { displayName } from './names.ts';
import type { RouteGroup } from './route-group.ts';
import { utf8Bytes } from './text.ts';
import { keepInput, refuseUnacceptable } from './validation.ts';

/**
 * All messages that a client may send: their fields, the function that serves them, and whether the answer is a route
 * response. The routes of the stack, the arguments of the handlers and the types of the client come from this table.
 */

/** Marks a size limit, so that the error code is `TOO_LARGE` and not `INVALID_MESSAGE`. */
export const tooLarge = 'too_large';

/** Text with a limit in characters (UTF-16 code units). `maxLength` is for descriptions of the messages. */
function text(maximum: number) {
  return z.string().check(
    z.refine((value: string) => value.length <= maximum, {
      error: `must be at most ${maximum} characters`,
      params: { limit: tooLarge, maxLength: maximum },
    }),
  );
}

/** A JSON value whose encoding has a limit in UTF-8 bytes. */
function withinBytes<T>(maximum: number, bytesOf: (value: T) => number = jsonBytes) {
  return z.refine<T>((value) => bytesOf(value) <= maximum, {
    error: `must be at most ${maximum} bytes of JSON`,
    params: { limit: tooLarge },
  });
}

function jsonBytes(value: unknown): number {
  return utf8Bytes(JSON.stringify(value));
}

/** The UTF-8 bytes of the JSON that a change adds to empty data. */
function dataBytes(patch: Record<string, unknown>): number {
  return jsonBytes(Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== null)));
}

const requiredText = (maximum: number) =>
  text(maximum).check(z.refine((value: string) => value.trim() !== '', 'must not be empty'));
const whole = (least: number, most?: number) =>
  z.number().check(z.int(), z.minimum(least), ...(most === undefined ? [] : [z.maximum(most)]));

const invite = () => text(2048);
/** What proves that the caller was a certain guest before they signed in. */
const guest = () => z.object({ invite: invite(), secret: requiredText(2048) });
const sessionId = () => requiredText(255);
const machineId = () => requiredText(limits.machineIdCharacters);
const role = () => z.enum(roles);
const jsonObject = () => z.record(z.string(), z.unknown());
/** Only the two named fields are checked, if present. `null` removes the cursor. */
const cursor = () =>
  keepInput(
    z.nullable(
      z
        .pipe(
          jsonObject(),
          z.looseObject({
            eventId: z.optional(requiredText(limits.cursorBytes)),
            position: z.optional(z.number()),
          }),
        )
        .check(withinBytes(limits.cursorBytes)),
    ),
  );
const details = () => keepInput(jsonObject().check(withinBytes(limits.detailsBytes)));
/** A change of a user's data. `null` removes a key and counts no bytes. */
const data = () => keepInput(jsonObject().check(withinBytes(limits.dataBytes, dataBytes)));
const ownState = () => ({
  status: z.optional(z.enum(statuses)),
  activity: z.optional(z.nullable(text(limits.activityCharacters))),
  data: z.optional(data()),
});
/** Of two frames of one connection and session the one with the higher number decides (rule PR18). */
const order = () => z.optional(whole(0));
/** Any JSON value. */
const payload = () => keepInput(z.unknown().check(withinBytes(limits.payloadBytes)));
const time = () => whole(0, 8.64e15);
const visibility = () => z.object({ cursors: z.optional(role()), activity: z.optional(role()) });
const metadata = () =>
  keepInput(
    z
      .looseObject({
        title: z.optional(z.string()),
        target: z.optional(text(limits.targetCharacters)),
        objective: z.optional(z.string()),
        isPublic: z.optional(z.boolean()),
        maxParticipants: z.optional(whole(1, limits.maxParticipants)),
        visibility: z.optional(visibility()),
      })
      .check(withinBytes(limits.metadataBytes)),
  );

/**
 * The schema of a message with these fields. The checks of `text.ts` apply to all its texts and numbers, also nested
 * ones.
 */
function message<T extends z.core.$ZodLooseShape>(fields: T) {
  return z
    .object({ requestId: z.optional(z.string().check(z.maxLength(limits.requestIdCharacters))), ...fields })
    .check(z.superRefine(refuseUnacceptable));
}

interface MessageDefinition {
  group: RouteGroup;
  /** Whether the answer is a route response [DE10]. Routes that seldom answer have none; their answers are posted. */
  responds: boolean;
  /** Whether a request without `requestId` is answered only if it fails (marked * in docs/protocol.md). */
  quiet?: boolean;
}

/** Makes the schema at its first use, because a function needs only the schemas of its own messages. */
function define<const D extends MessageDefinition, S extends z.ZodMiniType>(definition: D, makeSchema: () => S) {
  let schema: S | undefined;
  return {
    ...definition,
    get schema(): S {
      schema ??= makeSchema();
      return schema;
    },
  };
}

export const messages = {
  hello: define({ group: 'default', responds: true }, () =>
    message({
      // Name of the client in any form; the service does not use it.
      client: z.optional(z.unknown()),
      // The form of cursors in sessions that the connection joins afterwards.
      format: z.optional(z.enum(['json', 'compact'])),
    }),
  ),
  ping: define({ group: 'default', responds: true }, () => message({})),
  session_create: define({ group: 'session', responds: true }, () =>
    message({
      operationId: requiredText(limits.operationIdCharacters),
      metadata: z.optional(metadata()),
      data: z.optional(data()),
    }),
  ),
  session_join: define({ group: 'session', responds: true }, () =>
    message({
      sessionId: sessionId(),
      order: order(),
      invite: z.optional(invite()),
      guest: z.optional(guest()),
      ...ownState(),
    }),
  ),
  session_open: define({ group: 'session', responds: true }, () =>
    message({
      // The application's own id of what the session is about.
      key: requiredText(limits.keyCharacters),
      order: order(),
      metadata: z.optional(metadata()),
      invite: z.optional(invite()),
      guest: z.optional(guest()),
      ...ownState(),
    }),
  ),
  session_leave: define({ group: 'session', responds: true }, () =>
    message({ sessionId: sessionId(), order: order() }),
  ),
  session_end: define({ group: 'session', responds: true }, () =>
    message({ sessionId: sessionId(), status: z.optional(z.enum(['completed', 'failed'])) }),
  ),
  session_recover: define({ group: 'session', responds: true }, () => message({ sessionId: sessionId() })),
  presence_update: define({ group: 'presence', responds: true, quiet: true }, () =>
    message({ sessionId: sessionId(), order: order(), ...ownState(), cursor: z.optional(cursor()) }),
  ),
  presence_sync: define({ group: 'presence', responds: true }, () => message({ sessionId: sessionId() })),
  broadcast: define({ group: 'presence', responds: true, quiet: true }, () =>
    message({
      sessionId: sessionId(),
      event: requiredText(limits.eventCharacters),
      payload: z.optional(payload()),
      to: z.optional(z.array(z.guid())),
    }),
  ),
  cursor_update: define({ group: 'cursor', responds: false, quiet: true }, () =>
    message({ sessionId: sessionId(), order: order(), cursor: cursor() }),
  ),
  heartbeat: define({ group: 'heartbeat', responds: false, quiet: true }, () =>
    message({
      sessionId: sessionId(),
      order: order(),
      cursor: z.optional(cursor()),
      idle: z.optional(z.boolean()),
      // The timers of this connection are throttled, because its page is hidden.
      hidden: z.optional(z.boolean()),
      // The last diff that the client applied. If it missed one, it is sent a snapshot.
      epoch: z.optional(z.string().check(z.maxLength(64))),
      seq: z.optional(whole(0)),
    }),
  ),
  participants_list: define({ group: 'session', responds: true }, () => message({ sessionId: sessionId() })),
  participant_role: define({ group: 'session', responds: true }, () =>
    message({ sessionId: sessionId(), userId: z.guid(), role: role() }),
  ),
  participant_remove: define({ group: 'session', responds: true }, () =>
    message({ sessionId: sessionId(), userId: z.guid(), reason: z.optional(text(500)) }),
  ),
  invite_create: define({ group: 'session', responds: true }, () =>
    message({
      sessionId: sessionId(),
      role: role(),
      expiresInSeconds: z.optional(z.number().check(z.positive(), z.maximum(31_536_000))),
      maxUses: z.optional(whole(1, 1_000_000)),
    }),
  ),
  invite_revoke: define({ group: 'session', responds: true }, () =>
    message({ sessionId: sessionId(), inviteId: z.guid() }),
  ),
  activity_log: define({ group: 'activity', responds: true }, () =>
    message({
      sessionId: sessionId(),
      activityType: requiredText(limits.activityTypeCharacters),
      details: z.optional(details()),
      activityId: z.optional(z.guid()),
    }),
  ),
  activity_query: define({ group: 'activity', responds: true }, () =>
    message({
      sessionId: sessionId(),
      limit: z.optional(whole(1, limits.pageItems)),
      before: z.optional(text(512)),
      activityType: z.optional(text(limits.activityTypeCharacters)),
      userId: z.optional(z.guid()),
      from: z.optional(time()),
      to: z.optional(time()),
    }),
  ),
  presence_history: define({ group: 'activity', responds: true }, () =>
    message({ sessionId: sessionId(), at: time() }),
  ),
  figures_watch: define({ group: 'session', responds: true }, () => message({})),
  machine_register: define({ group: 'machine', responds: true }, () =>
    message({
      machineId: machineId(),
      name: text(limits.nameCharacters).check(
        z.refine((name: string) => displayName(name) !== '', 'must have a visible character'),
      ),
      metadata: z.optional(details()),
    }),
  ),
  machine_heartbeat: define({ group: 'machine', responds: true, quiet: true }, () =>
    message({ machineId: machineId(), time: z.optional(z.number()) }),
  ),
  machine_list: define({ group: 'machine', responds: true }, () => message({})),
} as const;

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
