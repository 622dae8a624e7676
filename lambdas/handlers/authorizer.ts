import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { RollcallError } from '../../protocol/errors.ts';
import { bearerPrefix } from '../../protocol/frames.ts';
import { type AuthorizerContext, claimContext } from '../adapters/caller.ts';
import { idsOf } from '../adapters/event-ids.ts';
import { admitGuest } from '../adapters/guest.ts';
import { verifyToken } from '../adapters/identity.ts';
import { offeredSubprotocols } from '../adapters/offered-subprotocols.ts';
import { type HandshakeServices, handshakeServices } from '../composition/handshake-services.ts';
import { withoutCredentials } from '../platform/environment.ts';
import { withLogContext } from '../platform/log-context.ts';

/** The credentials of a handshake. */
interface Credentials {
  token?: string | undefined;
  invite?: string | undefined;
  name: string;
  guestKey: string | undefined;
}

/** API Gateway answers 401 for exactly this message. */
const unauthorized = 'Unauthorized';
/** The largest result of an authorizer that API Gateway accepts. */
const resultBytes = 8 * 1024;

/**
 * Decides whether a handshake is accepted: 401 without credentials, 403 with invalid ones. The context of its answer is the
 * caller of every later event of the connection.
 */
export async function authorize(
  services: HandshakeServices,
  event: APIGatewayRequestAuthorizerEvent,
): Promise<APIGatewayAuthorizerResult> {
  const problem = restrictionProblem(services.timings, event);
  if (problem) {
    services.log.info('A handshake was refused', { because: problem });
    return resultFor(event.methodArn, undefined);
  }
  const { token, invite, name, guestKey } = credentialsOf(event);
  if (!token && !invite) {
    // Lambda counts the 401 as an error. The alarm subtracts the number of these lines.
    services.countedLog.info(withoutCredentials);
    throw new Error(unauthorized);
  }
  const userAgent = headerOf(event, 'user-agent')?.slice(0, 512);
  const ipAddress = event.requestContext?.identity?.sourceIp;
  const admitted = token
    ? await admitUser(services, token)
    : await admitGuest(services, { invite: invite!, name, guestKey, ipAddress, userAgent });
  if (!admitted) services.log.info('A handshake was refused', { with: token ? 'token' : 'invite' });
  const result = resultFor(event.methodArn, admitted && { ...admitted, ...(userAgent ? { userAgent } : {}) });
  if (Buffer.byteLength(JSON.stringify(result)) <= resultBytes) return result;
  services.log.warn('A handshake was refused: its token says more than API Gateway hands on', { resultBytes });
  return resultFor(event.methodArn, undefined);
}

/** Why the settings forbid the handshake, whatever its credentials are (rule SE14); undefined if they do not. */
function restrictionProblem(
  { allowedOrigins, acceptsUrlTokens }: HandshakeServices['timings'],
  event: APIGatewayRequestAuthorizerEvent,
): string | undefined {
  // Only browsers send an origin, and a page cannot change it. Other programs can send any, so they need none.
  const origin = headerOf(event, 'origin');
  if (origin !== undefined && allowedOrigins.length > 0 && !allowedOrigins.includes(origin)) {
    return 'its origin is not in ALLOWED_ORIGINS';
  }
  if (!acceptsUrlTokens && event.queryStringParameters?.['token'] !== undefined) {
    return 'its token is in the address, which TOKENS_IN_URL forbids';
  }
  return undefined;
}

/** @param admitted undefined if the handshake is refused. */
function resultFor(methodArn: string, admitted: AuthorizerContext | undefined): APIGatewayAuthorizerResult {
  return {
    principalId: admitted?.userId ?? 'anonymous',
    policyDocument: {
      Version: '2012-10-17',
      Statement: [{ Action: 'execute-api:Invoke', Effect: admitted ? 'Allow' : 'Deny', Resource: methodArn }],
    },
    ...(admitted ? { context: { ...admitted } } : {}),
  };
}

async function admitUser(services: HandshakeServices, token: string): Promise<AuthorizerContext | undefined> {
  try {
    const identity = await verifyToken(token);
    if (!identity) return undefined;
    const { claim, expires = 0, ...person } = identity;
    return { ...person, ...(claim ? claimContext(claim, expires) : {}) };
  } catch (error) {
    if (!(error instanceof RollcallError)) throw error;
    // The answer to a handshake cannot contain the reason, but the HTTP API returns it.
    services.log.warn('A token cannot be used', { reason: error.message });
    return undefined;
  }
}

function credentialsOf(event: APIGatewayRequestAuthorizerEvent): Credentials {
  const query = event.queryStringParameters ?? {};
  const bearer = offeredSubprotocols(event).find((name) => name.startsWith(bearerPrefix));
  return {
    token: bearer?.slice(bearerPrefix.length) || query['token'],
    invite: query['invite'],
    name: query['name'] ?? '',
    guestKey: query['guest'],
  };
}

function headerOf(event: APIGatewayRequestAuthorizerEvent, name: string): string | undefined {
  return Object.entries(event.headers ?? {}).find(([key]) => key.toLowerCase() === name)?.[1];
}

/** Counts the handshakes that are refused, and those that cannot be decided because something is away. */
async function measured({ metrics }: HandshakeServices, decide: () => Promise<APIGatewayAuthorizerResult>) {
  try {
    const result = await decide();
    if (result.context === undefined) metrics.add('handshakesRefused');
    return result;
  } catch (error) {
    if ((error as Error).message === unauthorized) metrics.add('handshakesRefused');
    else metrics.fail('handshakesFailed');
    throw error;
  } finally {
    metrics.flush();
  }
}

/** The authorizer of `$connect`. */
export const handler = (event: APIGatewayRequestAuthorizerEvent) =>
  withLogContext(idsOf(event), () => measured(handshakeServices, () => authorize(handshakeServices, event)));
