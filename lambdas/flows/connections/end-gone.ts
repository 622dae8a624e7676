import { inParallel } from '../../platform/in-parallel.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Receiver } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { endConnection } from './end-connection.ts';

/** Connections that one invocation ends at the same time: each is some requests to DynamoDB. */
const parallelEnds = 8;

/** Takes connections that answered 410 out of everything they joined (rule DE6). */
export async function endGone(services: Services, connectionIds: readonly string[]): Promise<void> {
  await inParallel([...new Set(connectionIds)], parallelEnds, (connectionId) =>
    endConnection(services, connectionId, 'gone', services.timings.graceMillis),
  );
}

/**
 * The same for receivers of a session. Where many sockets end at once, each frame of the next moments finds all of them
 * gone: their seats are closed first, so that the frames after it do not, and only the invocation that closed a seat goes
 * on to end its connection. Otherwise a room of a thousand that comes back would end a million connections.
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
    services.log.warn('Receivers that are gone could not be taken out; they will time out', { sessionId, error });
  }
}
