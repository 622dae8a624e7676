import { randomUUID } from 'node:crypto';
import type { APIGatewayProxyWebsocketEventV2, Context } from 'aws-lambda';

/** The event of API Gateway for a message of a connected user. */
export function messageEvent(
  body: unknown,
  more: { connectionId?: string; routeKey?: string; authorizer?: Record<string, string> } = {},
): APIGatewayProxyWebsocketEventV2 {
  const authorizer = more.authorizer ?? { userId: '0190f1e2-6d0a-7c3b-8f4d-1a2b3c4d5e6f', username: 'Ada' };
  return {
    body: typeof body === 'string' ? body : JSON.stringify(body),
    isBase64Encoded: false,
    requestContext: {
      connectionId: more.connectionId ?? 'c1',
      routeKey: more.routeKey ?? 'route',
      authorizer,
      identity: { sourceIp: '192.0.2.1' },
    },
  } as unknown as APIGatewayProxyWebsocketEventV2;
}

/** The context of a function with this remaining time. */
export function contextWith(remainingMillis: number): Context {
  const ends = Date.now() + remainingMillis;
  const remaining = { getRemainingTimeInMillis: () => ends - Date.now() };
  return { ...remaining, awsRequestId: randomUUID(), functionName: 'a-function' } as Context;
}
