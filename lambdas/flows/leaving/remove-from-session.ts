import type { LeaveCause } from '../../../protocol/entities.ts';
import { isAway } from '../../platform/unavailable.ts';
import { type EndOutcome, isUnknown, type Receiver } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { expireAndRecord } from '../presence/visit-sessions.ts';

/** What an eviction did, and whether presence knew the session before: where it did not, others may have been there. */
export interface Removal extends EndOutcome {
  ended: Receiver[];
  wasKnown: boolean;
}

/**
 * Takes somebody, or everybody where nobody is named, out of a session in Redis. A session that Redis does not know as a
 * whole is brought back before, and what it kept is written down: only then can be told who was there.
 *
 * @returns undefined while Redis is away: the decision stands in PostgreSQL, and the sweep brings Redis after (rule FA1).
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
