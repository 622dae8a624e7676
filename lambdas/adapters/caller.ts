import type { APIGatewayEventRequestContextV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import type { AccessClaim } from '../../protocol/access-claim.ts';
import { tokenLeewaySeconds } from '../../protocol/timings.ts';
import type { Caller } from '../flows/callers/caller.ts';

/** The answer of the authorizer. API Gateway adds it to every event of the connection. All values are strings. */
export interface AuthorizerContext {
  userId: string;
  username: string;
  externalId?: string;
  scope?: string;
  guestSessionId?: string;
  invite?: string;
  inviteId?: string;
  userAgent?: string;
  /** The access claim as base64url of its JSON, which takes less room than text with escaped quotation marks. */
  claim?: string;
  /** When the claim ends, Unix milliseconds. */
  claimUntil?: string;
}

/** The form in which the authorizer passes an access claim and the end of its token (Unix seconds). */
export function claimContext(claim: AccessClaim, expires: number): Pick<AuthorizerContext, 'claim' | 'claimUntil'> {
  return {
    claim: Buffer.from(JSON.stringify(claim)).toString('base64url'),
    claimUntil: String((expires + tokenLeewaySeconds) * 1000),
  };
}

type WebSocketContext = APIGatewayProxyWebsocketEventV2['requestContext'] & {
  authorizer?: AuthorizerContext;
  identity?: { sourceIp?: string };
  requestTimeEpoch?: number;
};

/** Reads the caller of a WebSocket event. */
export function callerOf(event: {
  requestContext: APIGatewayProxyWebsocketEventV2['requestContext'] | APIGatewayEventRequestContextV2;
}): Caller {
  const context = event.requestContext as unknown as WebSocketContext;
  const authorizer = context.authorizer;
  if (!authorizer?.userId) throw new Error('The event carries no authorizer context.');
  return {
    connectionId: context.connectionId,
    userId: authorizer.userId,
    username: authorizer.username,
    externalId: authorizer.externalId || undefined,
    scopes: (authorizer.scope ?? '').split(' ').filter(Boolean),
    guest: authorizer.guestSessionId
      ? {
          sessionId: authorizer.guestSessionId,
          invite: authorizer.invite ?? '',
          inviteId: authorizer.inviteId,
        }
      : undefined,
    ipAddress: context.identity?.sourceIp ?? null,
    userAgent: authorizer.userAgent || null,
    receivedAt: context.requestTimeEpoch,
    ...claimOf(authorizer),
  };
}

function claimOf({ claim, claimUntil }: AuthorizerContext): Pick<Caller, 'claim' | 'claimUntil'> {
  if (!claim) return {};
  return {
    claim: JSON.parse(Buffer.from(claim, 'base64url').toString()) as AccessClaim,
    claimUntil: Number(claimUntil),
  };
}
