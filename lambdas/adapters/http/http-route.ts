import type { AccessClaim } from '../../../protocol/access-claim.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import type { Services } from '../../services/services.ts';
import { identityBehindAuthorizer } from '../identity.ts';
import { type HttpEvent, type HttpHandlers, httpAdapter, type PlainRequest, readPath } from './http-adapter.ts';

/** A request to the HTTP API, after API Gateway has verified its token. */
export interface HttpRequest extends PlainRequest {
  userId: string;
  /** The keys that the token lets its holder use (rule SE12). */
  claim?: AccessClaim | undefined;
  scopes: string[];
}

/** The adapter between the HTTP API for users and its handlers. @param open the route keys that need no token. */
export function httpRoute(
  handlers: HttpHandlers<HttpRequest>,
  open: string[],
  services: Pick<Services, 'log' | 'metrics'>,
) {
  return httpAdapter(handlers, async (event) => readRequest(event, open.includes(event.routeKey)), services);
}

function readRequest(event: HttpEvent, open: boolean): HttpRequest {
  const request = readPath(event);
  if (open) return { ...request, userId: '', scopes: [] };
  const claims = event.requestContext.authorizer?.jwt?.claims ?? {};
  const identity = identityBehindAuthorizer(claims, event.headers['authorization']);
  if (!identity) {
    throw new RollcallError('UNAUTHENTICATED', 'The token has no valid "sub" or no "exp". Get another token.');
  }
  const { userId, claim } = identity;
  return { ...request, userId, claim, scopes: identity.scope.split(' ').filter(Boolean) };
}
