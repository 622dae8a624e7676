import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2, Context } from 'aws-lambda';
import type { AuthorizerContext } from '../../lambdas/adapters/caller.ts';
import type { Services } from '../../lambdas/services/services.ts';
import { routeKeyOf } from '../../local/gateway/route-key.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { type MessageType, messages } from '../../protocol/messages.ts';
import type { RouteGroup } from '../../protocol/route-group.ts';
import { contextWith, messageEvent } from '../adapters/socket-event.ts';
import { RecordingGateway } from '../campaign/gateway.ts';
import { createCampaignTables } from '../campaign/tables.ts';
import { testAddresses } from '../support/addresses.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { type Doubles, replaceServices } from '../support/test-services.ts';

type Handler = (event: APIGatewayProxyWebsocketEventV2, context: Context) => Promise<APIGatewayProxyResultV2>;

/** A connection of a user, as API Gateway describes it in each event. */
export interface Socket {
  connectionId: string;
  authorizer: AuthorizerContext;
}

/** How a frame was answered. */
export interface Answer {
  /** The answer to the sender; undefined if there is none. */
  frame: ServerFrame | undefined;
  /** Whether the handler sent a command to a store. */
  touchedStore: boolean;
}

/** The time within which a handler must answer. */
const answerMillis = 10_000;

/**
 * The handlers of all routes with real stores, in this process and without a gateway. A frame that is refused before it reaches
 * a store takes microseconds.
 */
export class InProcessService {
  readonly services: Services;
  readonly database: TestDatabase;
  /** What the handlers logged as an error. */
  readonly errors: unknown[][] = [];
  /** Called with each frame that is posted to a connection. */
  onPost: ((connectionId: string, frame: ServerFrame) => void) | undefined;
  readonly #handlers: Record<RouteGroup, Handler>;
  readonly #close: () => Promise<void>;
  /** What was posted since the last frame was delivered. */
  #posted: { connectionId: string; frame: ServerFrame }[] = [];
  #commands = 0;

  private constructor(parts: {
    services: Services;
    database: TestDatabase;
    handlersOf: (services: Services) => Record<RouteGroup, Handler>;
    close: () => Promise<void>;
    doubles: Doubles;
  }) {
    const recorder = this.#recorder();
    const log = { debug() {}, info() {}, warn() {}, error: (...line: unknown[]) => this.errors.push(line) };
    const recorded = { messenger: recorder, broadcaster: recorder, log, startFunction: async () => {} };
    this.services = replaceServices(replaceServices(parts.services, recorded), parts.doubles);
    this.database = parts.database;
    this.#handlers = parts.handlersOf(this.services);
    this.#close = parts.close;
    this.#countCommands();
  }

  /** @param doubles replacements for some of the services, for example the clock. The caller may change them later. */
  static async start(doubles: Doubles = {}): Promise<InProcessService> {
    const gateway = new RecordingGateway(1);
    const [redis, database, tables, endpoint] = await Promise.all([
      OwnRedis.start(),
      createDatabase(),
      createCampaignTables(),
      gateway.open(),
    ]);
    Object.assign(process.env, {
      ...{ DATABASE_URL: database.url, REDIS_URL: redis.url, MANAGEMENT_ENDPOINT: endpoint, LOG_LEVEL: 'SILENT' },
      ...{ CONNECTIONS_TABLE: tables.connections, OUTBOX_TABLE: tables.outbox, INVITE_SECRET_ARN: 'secret' },
      ...{ AWS_ENDPOINT_URL_DYNAMODB: testAddresses.dynamodb, AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint },
      ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' },
    });
    // The composition reads the variables when it is loaded.
    const { services } = await import('../../lambdas/composition/services.ts');
    const { handlersOf } = await import('./handlers.ts');
    const close = async () => {
      services.redis.disconnect();
      await services.database.end();
      await Promise.all([redis.kill(), database.drop(), gateway.close()]);
    };
    return new InProcessService({ services, database, handlersOf, close, doubles });
  }

  close(): Promise<void> {
    return this.#close();
  }

  /** Registers a connection. @param more further fields that the authorizer hands on, such as a guest's invite. */
  async connect(username: string, more: Partial<AuthorizerContext> = {}): Promise<Socket> {
    const authorizer = { userId: randomUUID(), username, userAgent: 'test', ...more };
    const connectionId = `${randomUUID().slice(0, 15)}=`;
    const { userId } = authorizer;
    await this.services.registry.add({ connectionId, userId, username, connectedAt: this.services.clock() });
    return { connectionId, authorizer };
  }

  /**
   * Delivers a frame as API Gateway does. Bytes are delivered as base64.
   *
   * @throws Error if the handler fails or does not answer.
   */
  async deliver(socket: Socket, body: string | Uint8Array): Promise<Answer> {
    const text = typeof body === 'string' ? body : Buffer.from(body).toString();
    const routeKey = routeKeyOf(text, 'type');
    const group = Object.hasOwn(messages, routeKey) ? messages[routeKey as MessageType].group : 'default';
    const event = messageEvent(typeof body === 'string' ? body : Buffer.from(body).toString('base64'), {
      ...{ connectionId: socket.connectionId, routeKey, authorizer: { ...socket.authorizer } },
    });
    event.isBase64Encoded = typeof body !== 'string';
    event.requestContext.requestTimeEpoch = this.services.clock();
    this.#posted = [];
    const before = this.#commands;
    const result = await this.#inTime(this.#handlers[group](event, contextWith(answerMillis)));
    if (typeof result === 'string' || result.statusCode !== 200)
      throw new Error(`The status is ${JSON.stringify(result)}.`);
    const own = this.#posted.find(({ connectionId }) => connectionId === socket.connectionId)?.frame;
    const frame = result.body === undefined ? (responds(group) ? undefined : own) : JSON.parse(result.body);
    return { frame, touchedStore: this.#commands > before };
  }

  /** Sends a message and returns the answer. @throws Error if there is none. */
  async ask(socket: Socket, message: { type: string; [field: string]: unknown }): Promise<ServerFrame> {
    const { frame } = await this.deliver(socket, JSON.stringify({ requestId: 'r', ...message }));
    if (!frame) throw new Error(`${message.type} was not answered.`);
    return frame;
  }

  async #inTime<T>(work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('The handler did not answer.')), 2 * answerMillis);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  }

  #recorder() {
    const result = { delivered: 0, gone: [], failed: [], throttled: 0 };
    return {
      broadcast: async (connectionIds: readonly string[], frame: ServerFrame) => {
        for (const connectionId of connectionIds) {
          this.#posted.push({ connectionId, frame });
          this.onPost?.(connectionId, frame);
        }
        return result;
      },
      post: async () => result,
    };
  }

  /** Counts the commands to the stores. */
  #countCommands(): void {
    const { redis, database, registry } = this.services;
    const count = (target: object, name: string) => {
      const real = Reflect.get(target, name) as (...parameters: unknown[]) => unknown;
      Reflect.set(target, name, (...parameters: unknown[]) => {
        this.#commands += 1;
        return real.apply(target, parameters);
      });
    };
    count(redis, 'sendCommand');
    count(database, 'query');
    count(database, 'connect');
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(registry))) {
      if (name !== 'constructor') count(registry, name);
    }
  }
}

/** Whether the routes of a group answer themselves; the others post their answers. */
function responds(group: RouteGroup): boolean {
  return Object.values(messages).some((definition) => definition.group === group && definition.responds);
}
