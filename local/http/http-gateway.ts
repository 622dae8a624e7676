import type { IncomingMessage, ServerResponse } from 'node:http';
import { settledWithin } from '../deadline.ts';
import { createThrottle } from '../gateway/token-bucket.ts';
import type { InvokeFunction } from '../gateway/websocket-gateway.ts';
import type { IdentityProvider } from '../identity/identity-provider.ts';
import { readBody, sendJson } from '../services/replies.ts';
import type { HttpApiDefinition } from '../template/http-api.ts';
import { refuseToken } from './bearer-challenge.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { httpEvent } from './http-event.ts';
import { sendResult } from './http-result.ts';
import { JwtAuthorizer, type JwtContext } from './jwt-authorizer.ts';
import { requestUrl } from './request-url.ts';
import { createRouteMatcher, type RouteMatch } from './route-match.ts';

export interface HttpGatewayOptions {
  api: HttpApiDefinition;
  invoke: InvokeFunction;
  /** The local identity provider, if the stack trusts it. */
  identity: IdentityProvider | undefined;
  domainName: string;
}

/** The body limit of an HTTP API. */
const maximumBodyBytes = 10 * 1024 * 1024;

/** An HTTP API with its default stage. */
export class HttpGateway {
  readonly #options: HttpGatewayOptions;
  readonly #match: (method: string, path: string) => RouteMatch | undefined;
  readonly #mayPass: (routeKey: string, now: number) => boolean;
  readonly #authorizers = new Map<object, JwtAuthorizer>();

  constructor(options: HttpGatewayOptions) {
    this.#options = options;
    this.#match = createRouteMatcher(options.api.routes);
    this.#mayPass = createThrottle(options.api.stage);
    for (const { authorizer } of options.api.routes) {
      if (authorizer && !this.#authorizers.has(authorizer)) {
        this.#authorizers.set(authorizer, new JwtAuthorizer(authorizer, options.identity));
      }
    }
  }

  /** @returns false if the API has no route for the request, and nothing was answered. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { cors } = this.#options.api;
    const path = requestUrl(request).pathname;
    if (cors && request.method === 'OPTIONS' && request.headers['access-control-request-method']) {
      response.writeHead(204, preflightHeaders(cors, request.headers)).end();
      return true;
    }
    const match = this.#match(request.method ?? 'GET', path);
    if (!match) return false;
    for (const [name, value] of Object.entries(corsHeaders(cors, request.headers))) response.setHeader(name, value);
    await this.#serve(match, request, response);
    return true;
  }

  async #serve(match: RouteMatch, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const now = Date.now();
    if (!this.#mayPass(match.route.key, now)) return sendJson(response, 429, { message: 'Too Many Requests' });
    const verdict = await this.#authorize(match, request);
    if (verdict && verdict.status !== 200) return refuseToken(request, response, verdict.status, verdict.reason);
    const body = await readLimited(request);
    if (!body) return sendJson(response, 413, { message: 'Request Entity Too Large' }, { connection: 'close' });
    const jwt: JwtContext | undefined = verdict?.jwt;
    const { api, domainName } = this.#options;
    const event = httpEvent({ api, match, request, body, jwt, domainName, now });
    await this.#integrate(match, JSON.stringify(event), response);
  }

  async #authorize(match: RouteMatch, request: IncomingMessage) {
    const { authorizer, scopes } = match.route;
    return authorizer && this.#authorizers.get(authorizer)?.check(request.headers.authorization, scopes);
  }

  async #integrate({ route }: RouteMatch, payload: string, response: ServerResponse): Promise<void> {
    if (!route.functionName) return sendJson(response, 500, { message: 'Internal Server Error' });
    const invocation = this.#options.invoke(route.functionName, payload, route.key);
    const result = await settledWithin(invocation, route.integrationTimeoutMillis, undefined);
    if (!result) return sendJson(response, 503, { message: 'Service Unavailable' });
    sendResult(response, result);
  }
}

async function readLimited(request: IncomingMessage): Promise<Buffer | undefined> {
  try {
    return await readBody(request, maximumBodyBytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
