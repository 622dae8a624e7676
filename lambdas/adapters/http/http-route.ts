import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import type { AccessClaim } from '../../../protocol/access-claim.ts';
import { type ErrorCode, errorCodes, RollcallError } from '../../../protocol/errors.ts';
import { textProblem } from '../../../protocol/text.ts';
import { withLogContext } from '../../platform/log-context.ts';
import type { Services } from '../../services/services.ts';
import { idsOf } from '../event-ids.ts';
import { identityBehindAuthorizer } from '../identity.ts';
import { isFailure, refusalOf } from '../request.ts';

/** A request to the HTTP API, after API Gateway has verified its token. */
export interface HttpRequest {
  /** The `{id}` of the path. */
  id: string;
  /** The `{key}` of the path. */
  key: string;
  query: Record<string, string | undefined>;
  userId: string;
  /** The keys that the token lets its holder use (rule SE12). */
  claim?: AccessClaim | undefined;
  scopes: string[];
}

export interface HttpAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  body: unknown;
}

export type HttpHandlers = Record<string, (request: HttpRequest) => Promise<HttpAnswer>>;

/** The HTTP status of each error code. */
const statusOf: Record<ErrorCode, number> = {
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  SESSION_NOT_FOUND: 404,
  SESSION_INACTIVE: 410,
  SESSION_FULL: 409,
  INVITE_EXPIRED: 410,
  INVITE_INVALID: 403,
  NOT_IN_SESSION: 403,
  MACHINE_NOT_FOUND: 404,
  INVALID_MESSAGE: 400,
  TOO_LARGE: 413,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

type HttpEvent = APIGatewayProxyEventV2 & {
  requestContext: { authorizer?: { jwt?: { claims: Record<string, unknown> } } };
};

/** The adapter between the HTTP API and its handlers, by route key (`GET /sessions/{id}`). */
export function httpRoute(handlers: HttpHandlers, open: string[], { log, metrics }: Pick<Services, 'log' | 'metrics'>) {
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    const ids = { ...idsOf(event), sessionId: event.pathParameters?.['id'] };
    return withLogContext(ids, async () => {
      try {
        const handle = handlers[event.routeKey];
        if (!handle) return answer({ status: 404, body: { message: 'Not Found' } });
        const answered = answer(await handle(readRequest(event, open.includes(event.routeKey))));
        metrics.request(false);
        return answered;
      } catch (error) {
        const refusal = refusalOf(error, () => ({ route: event.routeKey }), log);
        metrics.request(isFailure(refusal));
        const { code, message } = refusal;
        const reference = code === 'INTERNAL' && ids.requestId !== undefined ? { reference: ids.requestId } : {};
        return answer({
          status: statusOf[code],
          body: { code, message, retryable: errorCodes[code].retryable, ...reference },
        });
      } finally {
        metrics.flush();
      }
    });
  };
}

function readRequest(event: HttpEvent, open: boolean): HttpRequest {
  const { id = '', key = '' } = event.pathParameters ?? {};
  const request = { id, key, query: event.queryStringParameters ?? {} };
  const problem = textProblem(id) ?? textProblem(key);
  if (problem) throw new RollcallError('INVALID_MESSAGE', `The ${key ? 'key' : 'session'} in the path ${problem}.`);
  if (open) return { ...request, userId: '', scopes: [] };
  const claims = event.requestContext.authorizer?.jwt?.claims ?? {};
  const identity = identityBehindAuthorizer(claims, event.headers['authorization']);
  if (!identity) {
    throw new RollcallError('UNAUTHENTICATED', 'The token has no valid "sub" or no "exp". Get another token.');
  }
  const { userId, claim } = identity;
  return { ...request, userId, claim, scopes: identity.scope.split(' ').filter(Boolean) };
}

function answer({ status = 200, headers = {}, body }: HttpAnswer): APIGatewayProxyStructuredResultV2 {
  const text = typeof body === 'string';
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: text ? body : JSON.stringify(body),
  };
}
