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

/** An event for a route, as JSON, and the id of its request. */
export interface MessageEvent {
  requestId: string;
  payload: string;
}

type Fields = Record<string, unknown>;

/** Builds the events a WebSocket API sends to its functions, as JSON. */
export class SocketEvents {
  readonly #api: WebSocketApiDefinition;
  readonly #domainName: string;
  /** What every event of a connection says of it, as the inside of a JSON object; most events are its messages. */
  readonly #lasting = new WeakMap<SocketConnection, string>();

  constructor(api: WebSocketApiDefinition, domainName: string) {
    this.#api = api;
    this.#domainName = domainName;
  }

  connect(connection: SocketConnection, handshake: HandshakeParameters, now: number): string {
    return this.#event({ ...handshake, ...this.#context(connection, '$connect', 'CONNECT', now) });
  }

  message(connection: SocketConnection, routeKey: string, body: string, now: number): MessageEvent {
    const requestId = gatewayId();
    let lasting = this.#lasting.get(connection);
    if (lasting === undefined) {
      lasting = JSON.stringify(this.#lastingContext(connection)).slice(1, -1);
      this.#lasting.set(connection, lasting);
    }
    const passing = JSON.stringify(passingContext(requestId, routeKey, 'MESSAGE', connection.receivedAt(now))).slice(
      1,
      -1,
    );
    const context = `{${lasting},${passing},"messageId":"${gatewayId()}"}`;
    const payload = `{"requestContext":${context},"body":${JSON.stringify(body)},${this.#ofEveryEvent}}`;
    return { requestId, payload };
  }

  /** The `$disconnect` event repeats the host headers and nothing else of the handshake. */
  disconnect(connection: SocketConnection, ending: Ending, now: number): string {
    const headers = { Host: this.#domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' };
    const multiValueHeaders = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
    const how = { disconnectStatusCode: ending.code, disconnectReason: ending.reason };
    const { requestContext } = this.#context(connection, '$disconnect', 'DISCONNECT', now);
    return this.#event({ headers, multiValueHeaders, requestContext: { ...requestContext, ...how } });
  }

  authorizer(connection: SocketConnection, handshake: HandshakeParameters, methodArn: string, now: number): string {
    return JSON.stringify({
      type: 'REQUEST',
      methodArn,
      queryStringParameters: {},
      multiValueQueryStringParameters: {},
      stageVariables: this.#api.stage.variables ?? {},
      ...handshake,
      ...this.#context(connection, '$connect', 'CONNECT', now),
    });
  }

  #event(fields: Fields): string {
    return `${JSON.stringify(fields).slice(0, -1)},${this.#ofEveryEvent}}`;
  }

  get #ofEveryEvent(): string {
    const { variables } = this.#api.stage;
    return `${variables ? `"stageVariables":${JSON.stringify(variables)},` : ''}"isBase64Encoded":false`;
  }

  #context(connection: SocketConnection, routeKey: string, eventType: SocketEventType, now: number) {
    const passing = passingContext(gatewayId(), routeKey, eventType, now);
    return { requestContext: { ...this.#lastingContext(connection), ...passing } };
  }

  #lastingContext({ id, connectedAt, sourceIp, userAgent, authorizer }: SocketConnection): Fields {
    return {
      ...(authorizer ? { authorizer } : {}),
      messageDirection: 'IN',
      stage: this.#api.stage.name,
      connectedAt,
      identity: userAgent === undefined ? { sourceIp } : { userAgent, sourceIp },
      domainName: this.#domainName,
      connectionId: id,
      apiId: this.#api.id,
    };
  }
}

function passingContext(requestId: string, routeKey: string, eventType: SocketEventType, now: number): Fields {
  const requestTimeEpoch = now;
  return {
    routeKey,
    eventType,
    extendedRequestId: requestId,
    requestTime: requestTime(now),
    requestTimeEpoch,
    requestId,
  };
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
