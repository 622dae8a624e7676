import type { Status } from '../../../protocol/entities.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';

/**
 * Stores the choice to be invisible, or visible again, in the connection table too. So an invisible user does not become
 * visible because Redis lost its data, or because they timed out and returned (rule PR5). While the table is away, only
 * Redis has the choice (rule FA4).
 *
 * @param chosenAt when Redis stored the choice, Unix milliseconds. The later of two choices counts.
 */
export async function rememberChoice(
  services: Services,
  caller: Caller,
  sessionRef: string,
  status: Status,
  chosenAt: number,
): Promise<void> {
  const sessionId = await sessionIdOf(services, caller, sessionRef);
  const seat = { connectionId: caller.connectionId, userId: caller.userId, sessionId };
  try {
    await services.registry.setInvisible(seat, status === 'offline', chosenAt);
  } catch (error) {
    if (!isAway(error, 'connections')) throw error;
    services.log.warn('A chosen status could not be stored in the connection table', {
      sessionId,
      error: error.cause as Error,
    });
  }
}
