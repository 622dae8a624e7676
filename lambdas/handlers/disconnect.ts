import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import { idsOf } from '../adapters/event-ids.ts';
import { compose } from '../composition/compose.ts';
import { startFunction, sweepFunction } from '../composition/functions.ts';
import { deadlines, presence } from '../composition/presence.ts';
import { registry } from '../composition/registry.ts';
import { sessions } from '../composition/sessions.ts';
import { standard } from '../composition/standard.ts';
import { endConnection } from '../flows/connections/end-connection.ts';
import { withLogContext } from '../platform/log-context.ts';
import type { Services } from '../services/services.ts';

type DisconnectEvent = APIGatewayProxyWebsocketEventV2 & {
  requestContext: { disconnectStatusCode?: number; disconnectReason?: string };
};

/** Codes with which a browser closes on purpose: after a reload, a closed tab, or `close()` without a code. */
const cleanCodes = [1000, 1001, 1005];

/** Starts the grace for the seats of the connection. The event may arrive late, twice or never. */
export async function disconnect(services: Services, event: DisconnectEvent): Promise<APIGatewayProxyResultV2> {
  const { connectionId, disconnectStatusCode: code, disconnectReason: reason } = event.requestContext;
  const clean = code !== undefined && cleanCodes.includes(code);
  services.log.debug('A connection ended', { code, reason });
  await endConnection(
    services,
    connectionId,
    'disconnected',
    clean ? services.timings.cleanCloseGraceMillis : services.timings.graceMillis,
  );
  services.metrics.flush();
  return { statusCode: 200 };
}

export const parts = {
  ...{ ...standard, registry, presence, deadlines, sessions },
  ...{ sweepFunction, startFunction: () => startFunction },
};
const services = compose(parts);

/** Route `$disconnect`. */
export const handler = (event: DisconnectEvent) => withLogContext(idsOf(event), () => disconnect(services, event));
