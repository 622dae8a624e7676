import { attempt } from '../../platform/attempt.ts';
import type { Services } from '../../services/services.ts';

/** Notes how many users and sessions are active, and how many connections Redis has. It runs once a minute. */
export async function measureService(services: Services): Promise<void> {
  const { metrics } = services;
  await attempt(services.log, 'The active users could not be counted', async () =>
    metrics.note('activeUsers', await services.sweepQueries.activeUsers()),
  );
  await attempt(services.log, 'The active sessions could not be counted', async () =>
    metrics.note('activeSessions', await services.deadlines.size()),
  );
  await attempt(services.log, 'The connections of Redis could not be counted', async () => {
    const connections = await redisConnections(services);
    if (connections !== undefined) metrics.note('redisConnections', connections);
  });
}

/** How many connections Redis has; of a cluster, one of its nodes. Undefined if the server does not tell. */
export async function redisConnections({ redis }: Services): Promise<number | undefined> {
  const [, connections] = /^connected_clients:(\d+)/m.exec(await redis.info('clients')) ?? [];
  return connections === undefined ? undefined : Number(connections);
}
