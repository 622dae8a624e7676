import type { LeaveCause } from '../../../protocol/entities.ts';
import { isAway } from '../../platform/unavailable.ts';
import { type EndOutcome, isUnknown, type Receiver } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { expireAndRecord } from '../presence/visit-sessions.ts';

/**
 * The result of a removal. `wasKnown` is false if Redis did not know the session before: then there may have been other
 * users.
 */
export interface Removal extends EndOutcome {
  ended: Receiver[];
  wasKnown: boolean;
}

/**
 * Removes one user, or all users if none is named, from a session in Redis. A session that Redis does not know completely is
 * rebuilt first, and its journal is recorded: only then it is known who was present.
 *
 * @returns undefined while Redis is away. The change in PostgreSQL is kept, and the sweep updates Redis later (rule FA1).
 */
export async function removeFromSession(
  services: Services,
  sessionId: string,
  userId: string | undefined,
  cause: LeaveCause,
  at: number,
): Promise<Removal | undefined> {
  try {
    const outcome = await services.presence.store.removeFromSession(sessionId, userId, cause, at);
    if (!isUnknown(outcome)) return { ...outcome, wasKnown: true };
    await expireAndRecord(services, sessionId, at);
    return { ...(await services.presence.store.removeFromSession(sessionId, userId, cause, at)), wasKnown: false };
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('A store is away; the sweep removes the user from presence', {
      ...{ sessionId, dependency: error.dependency, error: error.cause as Error },
    });
    return undefined;
  }
}
