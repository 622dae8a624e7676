import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { subprotocol } from '../../protocol/frames.ts';
import { type MessageType, messages, messageTypes } from '../../protocol/messages.ts';
import { innerSchemaOf } from '../../protocol/validation.ts';
import { namedSchemas, serverFrames } from './server-frames.ts';

/** `docs/asyncapi.json`: the WebSocket API in the form of https://www.asyncapi.com, version 3.0.0. */

type JsonSchema = Record<string, unknown>;
type ServerType = keyof typeof serverFrames;

/** The frame that answers each message; `error` may take its place. */
export const answers: Record<MessageType, ServerType> = {
  hello: 'welcome',
  ping: 'pong',
  session_create: 'session_created',
  session_join: 'session_joined',
  session_open: 'session_opened',
  session_leave: 'session_left',
  session_end: 'session_ended',
  session_recover: 'session_recovered',
  presence_update: 'ack',
  presence_sync: 'presence_state',
  broadcast: 'ack',
  cursor_update: 'ack',
  heartbeat: 'ack',
  participants_list: 'participants',
  participant_role: 'ack',
  participant_remove: 'ack',
  invite_create: 'invite_created',
  invite_revoke: 'ack',
  activity_log: 'activity_logged',
  activity_query: 'activity_page',
  presence_history: 'presence_history',
  figures_watch: 'figures',
  machine_register: 'machine_registered',
  machine_heartbeat: 'ack',
  machine_list: 'machines',
};

const serverTypes = Object.keys(serverFrames) as ServerType[];
/** A type of the client and one of the server may have the same name. */
const fromClient = (type: string) => `client_${type}`;
const fromServer = (type: string) => `server_${type}`;
const inComponents = (name: string) => ({ $ref: `#/components/messages/${name}` });
const inChannel = (name: string) => ({ $ref: `#/channels/live/messages/${name}` });

/** @param project the folder of the checkout. @returns the description as JSON text. */
export function asyncApiText(project: string): string {
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  return `${JSON.stringify(asyncApi(version), null, 2)}\n`;
}

function asyncApi(version: string): object {
  const { schemas, frames } = serverSchemas();
  const clientMessages = messageTypes.map((type) => [fromClient(type), messageOf(type, clientSchema(type))]);
  const serverMessages = serverTypes.map((type) => [fromServer(type), messageOf(type, frames[type]!)]);
  const all = Object.fromEntries([...clientMessages, ...serverMessages, ...untypedMessages]);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Rollcall',
      version,
      description:
        'The WebSocket API of Rollcall, as the service sees it: it receives what clients send. docs/protocol.md says what the ' +
        'frames mean, in which order they come and how many bytes each part may have. This file is made by `npm run references`.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      local: { host: '127.0.0.1:8787', protocol: 'ws', pathname: '/live', description: 'npm start' },
      aws: {
        host: '{api}.execute-api.{region}.amazonaws.com',
        protocol: 'wss',
        pathname: '/live',
        variables: { api: { description: 'The id of the API, from WebSocketUrl.' }, region: { default: 'us-east-1' } },
      },
    },
    channels: {
      live: {
        address: '/',
        description: `The only channel. A client offers the subprotocols \`${subprotocol}\` and \`bearer.<jwt>\`.`,
        messages: Object.fromEntries(Object.keys(all).map((name) => [name, inComponents(name)])),
        bindings: { ws: { method: 'GET', query: handshakeQuery } },
      },
    },
    operations: { ...receiveOperations(), send: sendOperation(Object.keys(all)) },
    components: { messages: all, schemas },
  };
}

const handshakeQuery = {
  type: 'object',
  properties: {
    token: { type: 'string', description: 'A JSON Web Token, for tools that cannot set subprotocols.' },
    invite: { type: 'string', description: 'The invite of a guest, instead of a token.' },
    name: { type: 'string', description: 'The name of a guest.' },
    guest: { type: 'string', description: 'A secret of the browser; it makes a guest who reconnects the same person.' },
  },
};

/** What the service sends that has no `type`. */
const untypedMessages = [
  [
    fromServer('gateway_error'),
    messageOf('gateway_error', {
      type: 'object',
      description: 'A failure that API Gateway reports by itself.',
      properties: { message: { type: 'string' }, connectionId: { type: 'string' }, requestId: { type: 'string' } },
      required: ['message'],
    }),
  ],
  [
    fromServer('compact_cursors'),
    {
      name: 'compact_cursors',
      title: 'Cursors in the compact form',
      contentType: 'text/plain',
      payload: { type: 'string', pattern: '^c', description: 'After `hello` with `format: "compact"`.' },
    },
  ],
] as const;

function messageOf(type: string, payload: JsonSchema): object {
  return { name: type, title: type, payload };
}

/** One operation for each message of a client, with its answer. */
function receiveOperations(): object {
  const operations = messageTypes.map((type) => {
    const replies = [answers[type], 'error'].map((reply) => inChannel(fromServer(reply)));
    const { quiet = false } = messages[type] as { quiet?: boolean };
    const operation = {
      action: 'receive',
      channel: { $ref: '#/channels/live' },
      messages: [inChannel(fromClient(type))],
      ...(quiet && { description: 'Without `requestId` it is answered only if it fails.' }),
      reply: { channel: { $ref: '#/channels/live' }, messages: replies },
    };
    return [`receive_${type}`, operation];
  });
  return Object.fromEntries(operations);
}

/** Everything that the service sends by itself. */
function sendOperation(names: readonly string[]): object {
  const sent = names.filter((name) => name.startsWith('server_'));
  return { action: 'send', channel: { $ref: '#/channels/live' }, messages: sent.map(inChannel) };
}

/** The payload of a client's message. The schemas of the protocol do not contain `type`. */
function clientSchema(type: MessageType): JsonSchema {
  const schema: JsonSchema = z.toJSONSchema(messages[type].schema, {
    ...options,
    override: (part) => {
      addLength(part);
      const inner = innerSchemaOf(part.zodSchema);
      if (inner) Object.assign(part.jsonSchema, withoutDialect(z.toJSONSchema(inner, ofInner)));
    },
  });
  return withType(type, withoutDialect(schema));
}

const options = { target: 'draft-7', io: 'input', unrepresentable: 'any' } as const;

/** Of a schema in two steps, the second one says more. Unknown fields are ignored. */
const ofInner = {
  ...options,
  io: 'output',
  override: (part: Part) => {
    addLength(part);
    if (part.jsonSchema.additionalProperties === false) delete part.jsonSchema.additionalProperties;
  },
} as const;

/** A part of a message, and its description so far. */
interface Part {
  zodSchema: z.core.$ZodTypes;
  jsonSchema: z.core.JSONSchema.BaseSchema;
}

/** Adds the limit of a text, which its own check knows. */
function addLength({ zodSchema, jsonSchema }: Part): void {
  for (const check of zodSchema._zod.def.checks ?? []) {
    const { params } = check._zod.def as z.core.$ZodCustomDef;
    if (params?.['maxLength']) jsonSchema.maxLength = params['maxLength'];
  }
}

function serverSchemas(): { schemas: Record<string, JsonSchema>; frames: Record<string, JsonSchema> } {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(namedSchemas)) registry.add(schema, { id });
  for (const [type, schema] of Object.entries(serverFrames)) registry.add(schema, { id: fromServer(type) });
  const made = z.toJSONSchema(registry, { ...options, uri: (id) => `#/components/schemas/${id}` }).schemas;
  const plain = (id: string) => withoutDialect(made[id] as JsonSchema);
  const schemas = Object.fromEntries(Object.keys(namedSchemas).map((id) => [id, plain(id)]));
  const withRequest = (type: string) => withType(type, plain(fromServer(type)), { requestId: { type: 'string' } });
  return { schemas, frames: Object.fromEntries(serverTypes.map((type) => [type, withRequest(type)])) };
}

function withType(type: string, schema: JsonSchema, more: JsonSchema = {}): JsonSchema {
  const { properties, required, ...rest } = schema as { properties?: JsonSchema; required?: string[] };
  return {
    ...rest,
    properties: { type: { type: 'string', const: type }, ...more, ...properties },
    required: ['type', ...(required ?? [])],
  };
}

function withoutDialect({ $schema: _, $id: __, id: ___, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
