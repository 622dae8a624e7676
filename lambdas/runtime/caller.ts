import type { APIGatewayEventRequestContextV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';

/** Who sent an event, as the authorizer established it when the connection began. */
export interface Caller {
  connectionId: string;
  userId: string;
  username: string;
  /** The token's `sub`, as the identity provider writes it; absent for a guest. */
  externalId?: string | undefined;
  scopes: string[];
  /** Guests only: the one session they can reach (UUID), and the invite they came with. */
  guest?: { sessionId: string; invite: string } | undefined;
  ipAddress: string | null;
  userAgent: string | null;
  /** When API Gateway received the frame, Unix milliseconds; absent for an HTTP request. */
  receivedAt?: number | undefined;
}

/** What the authorizer hands on; API Gateway repeats it on every event of the connection. All values are strings. */
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
