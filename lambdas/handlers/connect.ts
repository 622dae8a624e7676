import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import { subprotocol } from '../../protocol/frames.ts';
import { callerOf } from '../adapters/caller.ts';
import { capsFor } from '../adapters/connection-caps.ts';
import { idsOf } from '../adapters/event-ids.ts';
import { offeredSubprotocols } from '../adapters/offered-subprotocols.ts';
import { connectServices } from '../composition/connect-services.ts';
import { withLogContext } from '../platform/log-context.ts';
import type { Services } from '../services/services.ts';

type ConnectEvent = APIGatewayProxyWebsocketEventV2 & {
  headers?: Record<string, string>;
  multiValueHeaders?: Record<string, string[]>;
};

/**
 * Stores a connection and selects the subprotocol, if the client offers it. Answers 429 if a cap on connections is reached
 * (rule CO1).
 */
export async function connect(
  services: Pick<Services, 'clock' | 'log' | 'metrics' | 'registry' | 'timings'>,
  event: ConnectEvent,
): Promise<APIGatewayProxyResultV2> {
  const caller = callerOf(event);
  const { connectionId, userId, username } = caller;
  try {
    const connection = { connectionId, userId, username, connectedAt: services.clock() };
    const refusedBy = await services.registry.add(connection, capsFor(caller, services.timings.connectionCaps));
    if (refusedBy) {
      const { userId, ipAddress } = caller;
      services.log.warn('A handshake was refused: too many connections', { by: refusedBy, userId, ipAddress });
      services.metrics.add('handshakesRefused');
      return { statusCode: 429 };
    }
  } catch (error) {
    services.log.error('A connection could not be stored', { error: error as Error });
    services.metrics.fail('handshakesFailed');
    return { statusCode: 503 };
  } finally {
    services.metrics.flush();
  }
  const selects = offeredSubprotocols(event).includes(subprotocol);
  return { statusCode: 200, ...(selects ? { headers: { 'Sec-WebSocket-Protocol': subprotocol } } : {}) };
}

/** Route `$connect`. */
export const handler = (event: ConnectEvent) => withLogContext(idsOf(event), () => connect(connectServices, event));
