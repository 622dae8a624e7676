import type { IncomingMessage } from 'node:http';
import type { WebSocketApiDefinition } from '../template/websocket-api.ts';
import { gatewayId, requestTime } from './identifiers.ts';
import type { Ending, SocketConnection } from './socket-connection.ts';

export type SocketEventType = 'CONNECT' | 'MESSAGE' | 'DISCONNECT';

/** Headers and query of the handshake in the two forms events carry them. */
export interface HandshakeParameters {
  headers: Record<string, string>;
  multiValueHeaders: Record<string, string[]>;
  queryStringParameters?: Record<string, string>;
  multiValueQueryStringParameters?: Record<string, string[]>;
}

/** Builds the events a WebSocket API sends to its functions. */
export class SocketEvents {
  readonly #api: WebSocketApiDefinition;
  readonly #domainName: string;

  constructor(api: WebSocketApiDefinition, domainName: string) {
    this.#api = api;
    this.#domainName = domainName;
  }

  connect(connection: SocketConnection, handshake: HandshakeParameters, now: number): Record<string, unknown> {
    return this.#event({
      ...handshake,
      ...this.#variables(),
      ...this.#context(connection, '$connect', 'CONNECT', now),
    });
  }

  message(connection: SocketConnection, routeKey: string, body: string, now: number): Record<string, unknown> {
    const context = this.#context(connection, routeKey, 'MESSAGE', now, { messageId: gatewayId() });
    return this.#event({ ...this.#variables(), ...context, body });
  }

  /** The `$disconnect` event repeats the host headers and nothing else of the handshake. */
  disconnect(connection: SocketConnection, ending: Ending, now: number): Record<string, unknown> {
    const headers = { Host: this.#domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' };
    const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    const how = { disconnectStatusCode: ending.code, disconnectReason: ending.reason };
    const context = this.#context(connection, '$disconnect', 'DISCONNECT', now, how);
    return this.#event({ headers, multiValueHeaders, ...this.#variables(), ...context });
  }

  authorizer(
    connection: SocketConnection,
    handshake: HandshakeParameters,
    methodArn: string,
    now: number,
  ): Record<string, unknown> {
    const context = this.#context(connection, '$connect', 'CONNECT', now);
    return {
      type: 'REQUEST',
      methodArn,
      queryStringParameters: {},
      multiValueQueryStringParameters: {},
      stageVariables: this.#api.stage.variables ?? {},
      ...handshake,
      ...context,
    };
  }

  #event(parts: Record<string, unknown>): Record<string, unknown> {
    return { ...parts, isBase64Encoded: false };
  }

  #variables(): Record<string, unknown> {
    return this.#api.stage.variables ? { stageVariables: this.#api.stage.variables } : {};
  }

  #context(
    connection: SocketConnection,
    routeKey: string,
    eventType: SocketEventType,
    now: number,
    more: Record<string, unknown> = {},
  ): { requestContext: Record<string, unknown> } {
    const requestId = gatewayId();
    const { sourceIp, userAgent, authorizer } = connection;
    return {
      requestContext: {
        routeKey,
        ...(authorizer ? { authorizer } : {}),
        ...more,
        eventType,
        extendedRequestId: requestId,
        requestTime: requestTime(now),
        messageDirection: 'IN',
        stage: this.#api.stage.name,
        connectedAt: connection.connectedAt,
        requestTimeEpoch: now,
        identity: userAgent === undefined ? { sourceIp } : { userAgent, sourceIp },
        requestId,
        domainName: this.#domainName,
        connectionId: connection.id,
        apiId: this.#api.id,
      },
    };
  }
}

/** Reads headers and query of an upgrade request. Names of headers stay as the client wrote them. */
export function readHandshake(request: IncomingMessage): HandshakeParameters {
  const multiValueHeaders: Record<string, string[]> = {};
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index]!;
    multiValueHeaders[name] = [...(multiValueHeaders[name] ?? []), request.rawHeaders[index + 1]!];
  }
  const seen = multiValueHeaders['X-Forwarded-For'] ?? [];
  multiValueHeaders['X-Forwarded-For'] = [[...seen, request.socket.remoteAddress ?? ''].join(', ')];
  const query = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const multiValueQuery: Record<string, string[]> = {};
  for (const [name, value] of query) multiValueQuery[name] = [...(multiValueQuery[name] ?? []), value];
  const last = (values: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(values).map(([name, list]) => [name, list.at(-1)!]));
  const withQuery = { queryStringParameters: last(multiValueQuery), multiValueQueryStringParameters: multiValueQuery };
  return { headers: last(multiValueHeaders), multiValueHeaders, ...(query.size > 0 ? withQuery : {}) };
}
