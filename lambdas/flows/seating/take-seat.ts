import { isAway } from '../../platform/unavailable.ts';
import type { EnterOutcome } from '../../presence/outcome.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import type { Join, Seating } from './seating.ts';

/** Seats the connection in Redis. There is no outcome while Redis is away. */
export async function takeSeat(join: Join): Promise<void> {
  join.seenAt = join.services.clock();
  join.outcome = await enter(join);
}

async function enter(join: Join): Promise<EnterOutcome | undefined> {
  const { services, seating, compact, kept } = join;
  const { sessionId, userId, joinedAt: requestedAt, ...acting } = join.membership;
  const { ownState } = seating;
  try {
    // In a session that Redis forgot, the others are seated first, so that the snapshot of the join has them.
    if (!(await services.presence.store.isKnown(sessionId))) {
      await rebuildSession(services, sessionId, { onlyIfLost: true, exceptConnection: acting.connectionId });
    }
    const options = {
      compact,
      arrivalState: arrivalStateOf(seating),
      requestedAt,
      turn: join.seatingTurn.turn,
      ownState,
      kept,
    };
    return await services.presence.enter(sessionId, userId, { ...acting, ...options });
  } catch (error) {
    if (!isAway(error, 'redis')) throw error;
    services.log.warn('A user joined while Redis was away', { sessionId, error: error.cause as Error });
    return undefined;
  }
}

function arrivalStateOf({ activated, isWritten }: Seating): 'taken' | 'written' | undefined {
  if (isWritten) return 'written';
  return activated ? 'taken' : undefined;
}
