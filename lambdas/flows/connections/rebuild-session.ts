import type { Membership } from '../../connections/connection-registry.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { PresenceOutcome } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { asInNewestJoins } from './newest-joins.ts';

export interface RebuildOptions {
  /** Does nothing if Redis knows the session. */
  onlyIfLost: boolean;
  /** Rebuilds also if nobody is connected, because Redis may have kept a part of the session. */
  evenEmpty?: boolean;
  /** A connection to leave out, because it is about to join. */
  exceptConnection?: string;
  /** A connection to include, although the index of the table may not show it yet or any more. */
  alsoConnection?: Membership;
  /** Runs before the members take their seats. */
  prepare?: (members: readonly Membership[]) => Promise<void>;
}

/**
 * Rebuilds a session in Redis from the connection table after Redis forgot it or was away (rules FA1, FA2). It seats the
 * connections of users who hold a slot. A user who timed out keeps their membership for a return, but holds no slot.
 *
 * @returns the change to announce; undefined if nothing had to be done.
 */
export async function rebuildSession(
  services: Services,
  sessionId: string,
  options: RebuildOptions,
): Promise<PresenceOutcome | undefined> {
  const { alsoConnection: also, exceptConnection = also?.connectionId } = options;
  const others = (await services.registry.members(sessionId)).filter(
    (member) => member.connectionId !== exceptConnection,
  );
  const members = asInNewestJoins(also ? [also, ...others] : others);
  if (members.length === 0 && options.onlyIfLost && !options.evenEmpty) return undefined;
  const seated = await withSlot(services, sessionId, members);
  await options.prepare?.(seated);
  return services.presence.store.restore(sessionId, seated, services.clock(), options);
}

async function withSlot(services: Services, sessionId: string, members: Membership[]): Promise<Membership[]> {
  try {
    const participants = await services.sessions.getParticipants(sessionId);
    const present = new Set(participants.map((participant) => participant.userId ?? participant.anonymousId));
    return members.filter((member) => present.has(member.userId));
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    // A user who is shown a minute too long is better than a leave that did not happen.
    services.log.warn('PostgreSQL is away; a session is rebuilt without knowing who holds a slot', {
      sessionId,
      error: error.cause as Error,
    });
    return members;
  }
}
