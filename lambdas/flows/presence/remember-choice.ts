import type { Status } from '../../../protocol/entities.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';

/**
 * Writes the choice to be invisible, or to be seen again, into the connection table, too: who is invisible must not show
 * up because Redis forgot it, or because they were silent for too long and are back (rule PR5). While the table is away
 * Redis alone remembers (rule FA4).
 *
 * @param chosenAt when Redis took the choice, Unix milliseconds: of two choices the later one stays.
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
    services.log.warn('A chosen status could not be written down', { sessionId, error: error.cause as Error });
  }
}
