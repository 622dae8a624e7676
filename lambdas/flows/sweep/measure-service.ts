import type { Services } from '../../services/services.ts';
import { attempt } from './attempt.ts';

/** Notes how many users and sessions are active, and how many connections Redis has. It runs once a minute. */
export async function measureService(services: Services): Promise<void> {
  const { metrics } = services;
  await attempt(services, 'The active users could not be counted', async () =>
    metrics.note('activeUsers', await services.sweepQueries.activeUsers()),
  );
  await attempt(services, 'The active sessions could not be counted', async () =>
    metrics.note('activeSessions', await services.deadlines.size()),
  );
  await attempt(services, 'The connections of Redis could not be counted', async () => {
    const connections = connectionsIn(await services.redis.info('clients'));
    if (connections !== undefined) metrics.note('redisConnections', connections);
  });
}

/** Of a cluster, the answer is that of one node. Undefined if the server does not tell. */
function connectionsIn(info: string): number | undefined {
  const [, connections] = /^connected_clients:(\d+)/m.exec(info) ?? [];
  return connections === undefined ? undefined : Number(connections);
}
