import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { settledWithin } from '../deadline.ts';
import type { Faults } from '../faults.ts';
import { requestUrl } from '../http/request-url.ts';
import type { InvocationResult } from '../lambda/execution-environment.ts';
import { arn } from '../template/local-account.ts';
import type { SocketRoute, WebSocketApiDefinition } from '../template/websocket-api.ts';
import { createFrameMeter, maximumFrameBytes, maximumMessageBytes } from './frame-meter.ts';
import { isUpgrade, refuseHandshake, subprotocolOf } from './handshake.ts';
import { type ProxyAnswer, readProxyAnswer } from './proxy-answer.ts';
import { routeKeyOf } from './route-key.ts';
import { hasIdentity, readVerdict } from './socket-authorizer.ts';
import { type Ending, SocketConnection } from './socket-connection.ts';
import { readHandshake, SocketEvents } from './socket-events.ts';
import { createThrottle } from './token-bucket.ts';

/** Runs a function by name with an event as JSON; `purpose` is its route. */
export type InvokeFunction = (name: string, payload: string, purpose: string) => Promise<InvocationResult>;

export interface WebSocketGatewayOptions {
  api: WebSocketApiDefinition;
  invoke: InvokeFunction;
  faults: Faults;
  /** Host name in the events. */
  domainName: string;
  idleMillis: number;
  lifetimeMillis: number;
}

interface Refusal {
  status: number;
  message: string;
}

/** A WebSocket API with its stage: handshakes, messages, route responses, limits and disconnects. */
export class WebSocketGateway {
  readonly connections = new Map<string, SocketConnection>();
  readonly path: string;
  readonly #options: WebSocketGatewayOptions;
  readonly #events: SocketEvents;
  readonly #mayPass: (routeKey: string, now: number) => boolean;
  readonly #server: WebSocketServer;
  readonly #subprotocols = new WeakMap<IncomingMessage, string>();
  /** `$disconnect` events in progress. */
  readonly #endings = new Set<Promise<unknown>>();
  #closing = false;

  constructor(options: WebSocketGatewayOptions) {
    this.#options = options;
    this.path = `/${options.api.stage.name}`;
    this.#events = new SocketEvents(options.api, options.domainName);
    this.#mayPass = createThrottle(options.api.stage);
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maximumMessageBytes,
      handleProtocols: (_, request) => this.#subprotocols.get(request) ?? false,
    });
  }

  /**
   * Handles an HTTP upgrade: it calls the authorizer and `$connect` and opens the socket if both allow it. Never
   * rejects.
   */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy());
    const now = Date.now();
    const connection = new SocketConnection(
      now,
      request.socket.remoteAddress ?? '127.0.0.1',
      request.headers['user-agent'],
    );
    const refusal = await this.#admit(connection, request, now);
    if (refusal) return refuseHandshake(socket, refusal.status, refusal.message, connection.id);
    if (!socket.readable || !socket.writable) {
      socket.destroy();
      this.#announceEnd(connection, { code: 1006, reason: '' });
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#opened(connection, webSocket, socket));
  }

  /** Closes all connections with 1001 and waits for their `$disconnect`, at most for the given time. */
  async close(limitMillis: number): Promise<void> {
    this.#closing = true;
    for (const connection of this.connections.values()) {
      connection.close(1001, 'Going away');
      this.#ended(connection, { code: 1001, reason: 'Going away' });
    }
    await settledWithin(Promise.allSettled([...this.#endings]), limitMillis, undefined);
  }

  async #admit(connection: SocketConnection, request: IncomingMessage, now: number): Promise<Refusal | undefined> {
    const path = requestUrl(request).pathname;
    if (path !== this.path && path !== `${this.path}/`) return { status: 403, message: 'Forbidden' };
    if (!isUpgrade(request)) return { status: 400, message: 'Bad Request' };
    if (this.#closing) return { status: 503, message: 'Service Unavailable' };
    if (!this.#mayPass('$connect', now)) return { status: 429, message: 'Too Many Requests' };
    return (await this.#authorize(connection, request, now)) ?? (await this.#connect(connection, request, now));
  }

  async #authorize(connection: SocketConnection, request: IncomingMessage, now: number): Promise<Refusal | undefined> {
    const { api, invoke } = this.#options;
    if (!api.authorizer) return undefined;
    const handshake = readHandshake(request);
    const unauthorized = { status: 401, message: 'Unauthorized' };
    if (!hasIdentity(api.authorizer.identitySources, handshake, api.stage.variables)) return unauthorized;
    const methodArn = arn('execute-api', `${api.id}/${api.stage.name}/$connect`);
    const payload = this.#events.authorizer(connection, handshake, methodArn, now);
    const result = await invoke(api.authorizer.functionName, payload, 'authorizer');
    const { status, context } = readVerdict(result, methodArn, Date.now() - now);
    connection.authorizer = context;
    if (status === 401) return unauthorized;
    if (status === 403) return { status, message: 'Forbidden' };
    return status === 500 ? { status, message: 'Internal server error' } : undefined;
  }

  async #connect(connection: SocketConnection, request: IncomingMessage, now: number): Promise<Refusal | undefined> {
    const route = this.#options.api.routes.get('$connect');
    if (!route) return undefined;
    const answer = await this.#integrate(route, this.#events.connect(connection, readHandshake(request), now));
    if (answer === 'timeout') return { status: 504, message: 'Endpoint request timed out' };
    if (answer === 'failed') return { status: 502, message: 'Internal server error' };
    if (answer.statusCode < 200 || answer.statusCode > 299) return { status: answer.statusCode, message: 'Forbidden' };
    const subprotocol = subprotocolOf(answer.headers);
    if (subprotocol) this.#subprotocols.set(request, subprotocol);
    return undefined;
  }

  #opened(connection: SocketConnection, socket: WebSocket, raw: Duplex): void {
    connection.attach(socket);
    this.connections.set(connection.id, connection);
    raw.prependListener(
      'data',
      createFrameMeter(maximumFrameBytes, () => connection.close(1009, 'Frame size exceeded')),
    );
    socket.on('message', (data, isBinary) => this.#received(connection, data as Buffer, isBinary));
    // The library closes the socket with this code and emits `close` with 1006.
    socket.on('error', (error) => connection.noteClosing(closeCodeOf(error)));
    const stopTimers = this.#limitLife(connection);
    socket.once('close', (code, reason) => {
      stopTimers();
      this.#ended(connection, connection.ending ?? { code, reason: reasonOf(code, reason.toString()) });
    });
  }

  #received(connection: SocketConnection, data: Buffer, isBinary: boolean): void {
    if (connection.ending) return;
    const now = Date.now();
    connection.lastActiveAt = now;
    if (isBinary) connection.close(1003, 'Binary frames are not supported');
    else void connection.trackMessage(this.#message(connection, data.toString('utf8'), now));
  }

  async #message(connection: SocketConnection, body: string, now: number): Promise<void> {
    const { routes, routeSelectionField } = this.#options.api;
    const route = routes.get(routeKeyOf(body, routeSelectionField)) ?? routes.get('$default');
    const { requestId, payload } = this.#events.message(connection, route?.key ?? '$default', body, now);
    const tell = (message: string) =>
      connection.send(JSON.stringify({ message, connectionId: connection.id, requestId }), Date.now());
    if (!route) return tell('Forbidden');
    if (!this.#mayPass(route.key, now)) return tell('Too Many Requests');
    const answer = await this.#integrate(route, payload);
    if (answer === 'timeout') return tell('Endpoint request timed out');
    if (answer === 'failed' || answer.statusCode < 200 || answer.statusCode > 299) return tell('Internal server error');
    if (route.responds && answer.body) connection.send(answer.body, Date.now());
  }

  async #integrate(route: SocketRoute, payload: string): Promise<ProxyAnswer | 'failed' | 'timeout'> {
    if (!route.functionName) return 'failed';
    const invocation = this.#options.invoke(route.functionName, payload, route.key);
    const result = await settledWithin(invocation, route.integrationTimeoutMillis, 'timeout' as const);
    return result === 'timeout' ? result : readProxyAnswer(result);
  }

  /** Closes the connection when it is idle for too long or too old. */
  #limitLife(connection: SocketConnection): () => void {
    const { idleMillis, lifetimeMillis } = this.#options;
    const end = () => connection.close(1001, 'Going away');
    const lifetime = setTimeout(end, lifetimeMillis);
    let idle: NodeJS.Timeout;
    const watch = (millis: number) => {
      idle = setTimeout(() => {
        const left = connection.lastActiveAt + idleMillis - Date.now();
        if (left > 0) watch(left);
        else end();
      }, millis);
    };
    watch(idleMillis);
    return () => {
      clearTimeout(lifetime);
      clearTimeout(idle);
    };
  }

  #ended(connection: SocketConnection, ending: Ending): void {
    if (this.connections.delete(connection.id)) this.#announceEnd(connection, ending);
  }

  #announceEnd(connection: SocketConnection, ending: Ending): void {
    const route = this.#options.api.routes.get('$disconnect');
    if (!route) return;
    const payload = this.#events.disconnect(connection, ending, Date.now());
    for (let count = this.#options.faults.disconnectDeliveries(); count > 0; count--) {
      const delivery = this.#integrate(route, payload);
      this.#endings.add(delivery);
      void delivery.finally(() => this.#endings.delete(delivery));
    }
  }
}

/**
 * The code with which the library closes a socket after invalid input. Undefined after a failure of the network: then nobody
 * sends a code.
 */
function closeCodeOf({ code = '' }: NodeJS.ErrnoException): number | undefined {
  if (!code.startsWith('WS_ERR_')) return undefined;
  if (code.endsWith('_LENGTH') && code !== 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH') return 1009;
  return code === 'WS_ERR_INVALID_UTF8' ? 1007 : 1002;
}

/** The client's reason, or API Gateway's default text. */
function reasonOf(code: number, reason: string): string {
  if (reason) return reason;
  if (code === 1001) return 'Going away';
  return code === 1005 ? 'Client-side close frame status not set' : '';
}
