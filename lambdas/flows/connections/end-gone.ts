import { inParallel } from '../../platform/in-parallel.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Receiver } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { endConnection } from './end-connection.ts';

/** Connections that one invocation ends at the same time. Each needs some requests to DynamoDB. */
const parallelEnds = 8;

/** Ends connections whose posts were answered with 410 (rule DE6). */
export async function endGone(services: Services, connectionIds: readonly string[]): Promise<void> {
  await inParallel([...new Set(connectionIds)], parallelEnds, (connectionId) =>
    endConnection(services, connectionId, 'gone', services.timings.graceMillis),
  );
}

/**
 * The same for receivers of a session. If many sockets end at once, each frame of the next moments finds all of them gone.
 * So this closes their seats first, and later frames do not find them again. Only the invocation that closed a seat ends the
 * connection: otherwise a session of a thousand users that all reconnect would cause a million ends.
 */
export async function endGoneReceivers(
  services: Services,
  sessionId: string,
  receivers: readonly Receiver[],
  gone: readonly string[],
): Promise<void> {
  if (gone.length === 0) return;
  const named = new Set(gone);
  const now = services.clock();
  const deadline = now + services.timings.graceMillis;
  try {
    const closed = await Promise.all(
      receivers
        .filter(({ connectionId }) => named.delete(connectionId))
        .map(async ({ userId, connectionId }) => {
          const seat = { sessionId, userId, connectionId };
          return (await services.presence.store.close(seat, deadline, 'gone', now)) ? [connectionId] : [];
        }),
    );
    const ended = closed.flat();
    if (ended.length === 0) return;
    await scheduleVisit(services, sessionId, deadline);
    await endGone(services, ended);
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('Redis is away; receivers that are gone will time out', { sessionId, error });
  }
}
