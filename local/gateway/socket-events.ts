import type { IncomingMessage } from 'node:http';
import { requestUrl } from '../http/request-url.ts';
import type { WebSocketApiDefinition } from '../template/websocket-api.ts';
import { gatewayId, requestTime } from './identifiers.ts';
import type { Ending, SocketConnection } from './socket-connection.ts';

export type SocketEventType = 'CONNECT' | 'MESSAGE' | 'DISCONNECT';

/** Headers and query of the handshake in the two forms that events have. */
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

/** Builds the events that a WebSocket API sends to its functions, as JSON. */
export class SocketEvents {
  readonly #api: WebSocketApiDefinition;
  readonly #domainName: string;
  /** Cache of the constant context fields of each connection, as JSON without its braces. */
  readonly #connectionContexts = new WeakMap<SocketConnection, string>();

  constructor(api: WebSocketApiDefinition, domainName: string) {
    this.#api = api;
    this.#domainName = domainName;
  }

  connect(connection: SocketConnection, handshake: HandshakeParameters, now: number): string {
    return this.#event({ ...handshake, ...this.#context(connection, '$connect', 'CONNECT', now) });
  }

  message(connection: SocketConnection, routeKey: string, body: string, now: number): MessageEvent {
    const requestId = gatewayId();
    let ofConnection = this.#connectionContexts.get(connection);
    if (ofConnection === undefined) {
      ofConnection = JSON.stringify(this.#connectionContext(connection)).slice(1, -1);
      this.#connectionContexts.set(connection, ofConnection);
    }
    const ofMessage = JSON.stringify(messageContext(requestId, routeKey, 'MESSAGE', now)).slice(1, -1);
    const context = `{${ofConnection},${ofMessage},"messageId":"${gatewayId()}"}`;
    const payload = `{"requestContext":${context},"body":${JSON.stringify(body)},${this.#ofEveryEvent}}`;
    return { requestId, payload };
  }

  /** Of the handshake, the `$disconnect` event contains only the host headers. */
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
    const ofMessage = messageContext(gatewayId(), routeKey, eventType, now);
    return { requestContext: { ...this.#connectionContext(connection), ...ofMessage } };
  }

  #connectionContext({ id, connectedAt, sourceIp, userAgent, authorizer }: SocketConnection): Fields {
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

function messageContext(requestId: string, routeKey: string, eventType: SocketEventType, now: number): Fields {
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

/** Reads headers and query of an upgrade request. Header names keep the client's spelling. */
export function readHandshake(request: IncomingMessage): HandshakeParameters {
  const multiValueHeaders: Record<string, string[]> = {};
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index]!;
    multiValueHeaders[name] = [...(multiValueHeaders[name] ?? []), request.rawHeaders[index + 1]!];
  }
  joinSubprotocols(multiValueHeaders);
  const seen = multiValueHeaders['X-Forwarded-For'] ?? [];
  multiValueHeaders['X-Forwarded-For'] = [[...seen, request.socket.remoteAddress ?? ''].join(', ')];
  const query = requestUrl(request).searchParams;
  const multiValueQuery: Record<string, string[]> = {};
  for (const [name, value] of query) multiValueQuery[name] = [...(multiValueQuery[name] ?? []), value];
  const last = (values: Record<string, string[]>) =>
    Object.fromEntries(Object.entries(values).map(([name, list]) => [name, list.at(-1)!]));
  const withQuery = { queryStringParameters: last(multiValueQuery), multiValueQueryStringParameters: multiValueQuery };
  return { headers: last(multiValueHeaders), multiValueHeaders, ...(query.size > 0 ? withQuery : {}) };
}

/** Several header lines of offered subprotocols equal one line with commas (RFC 6455, section 11.3.4). */
function joinSubprotocols(headers: Record<string, string[]>): void {
  const [first, ...others] = Object.keys(headers).filter((name) => name.toLowerCase() === 'sec-websocket-protocol');
  if (first === undefined) return;
  headers[first] = [[first, ...others].flatMap((name) => headers[name]!).join(', ')];
  for (const name of others) delete headers[name];
}
