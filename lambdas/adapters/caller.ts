import type { APIGatewayEventRequestContextV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import type { Caller } from '../flows/callers/caller.ts';

/** The answer of the authorizer. API Gateway adds it to every event of the connection. All values are strings. */
export interface AuthorizerContext {
  userId: string;
  username: string;
  externalId?: string;
  scope?: string;
  guestSessionId?: string;
  invite?: string;
  userAgent?: string;
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
      ? { sessionId: authorizer.guestSessionId, invite: authorizer.invite ?? '' }
      : undefined,
    ipAddress: context.identity?.sourceIp ?? null,
    userAgent: authorizer.userAgent || null,
    receivedAt: context.requestTimeEpoch,
  };
}
