import type { IncomingMessage } from 'node:http';
import { gatewayId, requestTime } from '../gateway/identifiers.ts';
import type { HttpApiDefinition } from '../template/http-api.ts';
import { localAccount } from '../template/local-account.ts';
import type { JwtContext } from './jwt-authorizer.ts';
import { requestUrl } from './request-url.ts';
import type { RouteMatch } from './route-match.ts';

export interface HttpEventParts {
  api: HttpApiDefinition;
  match: RouteMatch;
  request: IncomingMessage;
  body: Buffer;
  jwt: JwtContext | undefined;
  domainName: string;
  now: number;
}

/** Builds an event of payload format 2.0. */
export function httpEvent({
  api,
  match,
  request,
  body,
  jwt,
  domainName,
  now,
}: HttpEventParts): Record<string, unknown> {
  const url = requestUrl(request);
  const headers = joinedHeaders(request);
  const query: Record<string, string> = {};
  for (const [name, value] of url.searchParams)
    query[name] = query[name] === undefined ? value : `${query[name]},${value}`;
  const isText = /^(text\/|application\/(json|xml|javascript|x-www-form-urlencoded))/.test(
    headers['content-type'] ?? 'text/',
  );
  return {
    version: '2.0',
    routeKey: match.route.key,
    rawPath: url.pathname,
    rawQueryString: url.search.slice(1),
    ...(headers['cookie'] ? { cookies: headers['cookie'].split(/;\s*/) } : {}),
    headers,
    ...(url.searchParams.size > 0 ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: localAccount.account,
      apiId: api.id,
      ...(jwt ? { authorizer: { jwt } } : {}),
      domainName,
      domainPrefix: domainName.split('.')[0],
      http: {
        method: request.method,
        path: url.pathname,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: gatewayId(),
      routeKey: match.route.key,
      stage: api.stage.name,
      time: requestTime(now),
      timeEpoch: now,
    },
    ...(Object.keys(match.pathParameters).length > 0 ? { pathParameters: match.pathParameters } : {}),
    ...(api.stage.variables ? { stageVariables: api.stage.variables } : {}),
    ...(body.length > 0 ? { body: body.toString(isText ? 'utf8' : 'base64') } : {}),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

function joinedHeaders(request: IncomingMessage): Record<string, string> {
  const joined = Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(',')]);
  return Object.fromEntries(joined) as Record<string, string>;
}
