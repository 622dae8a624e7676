import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import { endConnection } from '../flows/connections/end-connection.ts';
import { log } from '../platform/log.ts';
import { timings } from '../platform/timings.ts';

type DisconnectEvent = APIGatewayProxyWebsocketEventV2 & {
  requestContext: { disconnectStatusCode?: number; disconnectReason?: string };
};

/** Codes that say that a browser closed on purpose: a reload, a closed tab, `close()` without a code. */
const cleanCodes = [1000, 1001, 1005];

/** Route `$disconnect`: the seats of the connection get their grace. The event may be late, doubled or never come. */
export async function handler(event: DisconnectEvent): Promise<APIGatewayProxyResultV2> {
  const { connectionId, disconnectStatusCode: code, disconnectReason: reason } = event.requestContext;
  const clean = code !== undefined && cleanCodes.includes(code);
  log.debug('A connection ended', { connectionId, code, reason });
  await endConnection(connectionId, 'disconnected', clean ? timings.cleanCloseGraceMillis : timings.graceMillis);
  return { statusCode: 200 };
}
