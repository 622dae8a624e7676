import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import { subprotocol } from '../../protocol/frames.ts';
import { callerOf } from '../adapters/caller.ts';
import { offeredSubprotocols } from '../adapters/offered-subprotocols.ts';
import { log } from '../platform/log.ts';
import { registry } from '../services/registry.ts';

type ConnectEvent = APIGatewayProxyWebsocketEventV2 & {
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
};

/** Route `$connect`: writes the connection down and selects the subprotocol, if the client offers it. */
export async function handler(event: ConnectEvent): Promise<APIGatewayProxyResultV2> {
  const { connectionId, userId, username } = callerOf(event);
  try {
    await registry().add({ connectionId, userId, username, connectedAt: Date.now() });
  } catch (error) {
    log.error('A connection could not be written down', { connectionId, error: error as Error });
    return { statusCode: 503 };
  }
  const selects = offeredSubprotocols(event).includes(subprotocol);
  return { statusCode: 200, ...(selects ? { headers: { 'Sec-WebSocket-Protocol': subprotocol } } : {}) };
}
