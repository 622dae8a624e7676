import type { Membership } from '../../connections/connection-registry.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { PresenceOutcome } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { withNewestNames } from './newest-names.ts';

export interface RebuildOptions {
  /** Leaves a session alone that Redis knows. */
  onlyIfLost: boolean;
  /** Also where nobody is connected: Redis may have kept a part of what there was. */
  evenEmpty?: boolean;
  /** A connection that is about to join by itself. */
  exceptConnection?: string;
  /** A connection that the table has, although its index may not show it yet or any more. */
  alsoConnection?: Membership;
}

/**
 * Brings a session in Redis back to who is connected and holds a slot, after Redis forgot it or was away (rules FA1,
 * FA2). Who timed out keeps a row in the connection table, to return with, but holds no slot.
 *
 * @returns the change to announce; undefined where nothing was to be done.
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
  const members = withNewestNames(also ? [also, ...others] : others);
  if (members.length === 0 && options.onlyIfLost && !options.evenEmpty) return undefined;
  return services.presence.store.restore(
    sessionId,
    await withSlot(services, sessionId, members),
    services.clock(),
    options,
  );
}

async function withSlot(services: Services, sessionId: string, members: Membership[]): Promise<Membership[]> {
  try {
    const participants = await services.sessions.getParticipants(sessionId);
    const present = new Set(participants.map((participant) => participant.userId ?? participant.anonymousId));
    return members.filter((member) => present.has(member.userId));
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    // Somebody too many for a minute is better than a leave that never was.
    services.log.warn('A session is rebuilt without knowing who holds a slot', {
      sessionId,
      error: error.cause as Error,
    });
    return members;
  }
}
