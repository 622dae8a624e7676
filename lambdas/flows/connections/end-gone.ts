import { inParallel } from '../../platform/in-parallel.ts';
import { log } from '../../platform/log.ts';
import { timings } from '../../platform/timings.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Receiver } from '../../presence/outcome.ts';
import { presence } from '../../services/presence.ts';
import { expectVisit } from '../scheduling/sweep-waker.ts';
import { endConnection } from './end-connection.ts';

/** Connections that one invocation ends at the same time: each is some requests to DynamoDB. */
const parallelEnds = 8;

/** Takes connections that answered 410 out of everything they joined (rule DE6). */
export async function endGone(connectionIds: readonly string[]): Promise<void> {
  await inParallel([...new Set(connectionIds)], parallelEnds, (connectionId) =>
    endConnection(connectionId, 'gone', timings.graceMillis),
  );
}

/**
 * The same for receivers of a session. Where many sockets end at once, each frame of the next moments finds all of them
 * gone: their seats are closed first, so that the frames after it do not, and only the invocation that closed a seat goes
 * on to end its connection. Otherwise a room of a thousand that comes back would end a million connections.
 */
export async function endGoneReceivers(
  sessionId: string,
  receivers: readonly Receiver[],
  gone: readonly string[],
): Promise<void> {
  if (gone.length === 0) return;
  const named = new Set(gone);
  const now = Date.now();
  const deadline = now + timings.graceMillis;
  try {
    const closed = await Promise.all(
      receivers
        .filter(({ connectionId }) => named.delete(connectionId))
        .map(async ({ userId, connectionId }) => {
          const seat = { sessionId, userId, connectionId };
          return (await presence().store.close(seat, deadline, 'gone', now)) ? [connectionId] : [];
        }),
    );
    const ended = closed.flat();
    if (ended.length === 0) return;
    await expectVisit(sessionId, deadline);
    await endGone(ended);
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    log.warn('Receivers that are gone could not be taken out; they will time out', { sessionId, error });
  }
}
