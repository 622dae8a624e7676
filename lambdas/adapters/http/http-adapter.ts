import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { type ErrorCode, errorCodes, RollcallError } from '../../../protocol/errors.ts';
import { textProblem } from '../../../protocol/text.ts';
import { withLogContext } from '../../platform/log-context.ts';
import type { Services } from '../../services/services.ts';
import { idsOf } from '../event-ids.ts';
import { isFailure, refusalOf } from '../request.ts';

/** The part of a request that says nothing about its sender. */
export interface PlainRequest {
  /** The `{id}` of the path. */
  id: string;
  /** The `{key}` of the path. */
  key: string;
  query: Record<string, string | undefined>;
  /** The text of its body; empty if it has none. */
  body: string;
}

export interface HttpAnswer {
  status?: number;
  headers?: Record<string, string>;
  /** A string is sent as it is, anything else as JSON. */
  body: unknown;
}

export type HttpHandlers<Request> = Record<string, (request: Request) => Promise<HttpAnswer>>;

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
  WEBHOOK_NOT_FOUND: 404,
  INVALID_MESSAGE: 400,
  TOO_LARGE: 413,
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
  INTERNAL: 500,
};

export type HttpEvent = APIGatewayProxyEventV2 & {
  requestContext: { authorizer?: { jwt?: { claims: Record<string, unknown> } } };
};

/**
 * The adapter between an HTTP API and its handlers, by route key (`GET /sessions/{id}`).
 *
 * @param read makes what the handlers take, or throws a RollcallError.
 */
export function httpAdapter<Request>(
  handlers: HttpHandlers<Request>,
  read: (event: HttpEvent) => Promise<Request>,
  { log, metrics }: Pick<Services, 'log' | 'metrics'>,
) {
  return async (event: HttpEvent): Promise<APIGatewayProxyStructuredResultV2> => {
    const ids = { ...idsOf(event), sessionId: event.pathParameters?.['id'] };
    return withLogContext(ids, async () => {
      try {
        const handle = handlers[event.routeKey];
        if (!handle) return answer({ status: 404, body: { message: 'Not Found' } });
        const answered = answer(await handle(await read(event)));
        metrics.request(false);
        return answered;
      } catch (error) {
        const refusal = refusalOf(error, () => ({ route: event.routeKey }), log);
        metrics.request(isFailure(refusal));
        const { code, message, retryAfterMillis } = refusal;
        const reference = code === 'INTERNAL' && ids.requestId !== undefined ? { reference: ids.requestId } : {};
        return answer({
          status: statusOf[code],
          headers: retryAfterMillis === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMillis / 1000)) },
          body: { code, message, retryable: errorCodes[code].retryable, ...reference },
        });
      } finally {
        metrics.flush();
      }
    });
  };
}

/** @throws RollcallError INVALID_MESSAGE for a path that no store can hold. */
export function readPath(event: HttpEvent): PlainRequest {
  const { id = '', key = '' } = event.pathParameters ?? {};
  const problem = textProblem(id) ?? textProblem(key);
  if (problem) throw new RollcallError('INVALID_MESSAGE', `The ${key ? 'key' : 'session'} in the path ${problem}.`);
  const { body = '', isBase64Encoded, queryStringParameters: query = {} } = event;
  return { id, key, query, body: isBase64Encoded ? Buffer.from(body, 'base64').toString('utf8') : body };
}

function answer({ status = 200, headers = {}, body }: HttpAnswer): APIGatewayProxyStructuredResultV2 {
  const text = typeof body === 'string';
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers },
    body: text ? body : JSON.stringify(body),
  };
}
