import type { LeaveCause } from '../../../protocol/entities.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { rebuildSession } from './rebuild-session.ts';

interface Ending {
  cause: LeaveCause;
  /** Unix milliseconds of the end itself. */
  at: number;
  /** Unix milliseconds of the end of the grace. */
  deadline: number;
}

/**
 * A socket has ended without leaving: its seats get the grace, after which the sweep announces the leave. Only this
 * connection is touched, so a late or doubled event never harms a newer one (rules PR7, PR8, FA5).
 *
 * What it joined is forgotten last: while Redis is away its seats cannot be closed, and then they end like those of a
 * connection that lost power.
 */
export async function endConnection(
  services: Services,
  connectionId: string,
  cause: LeaveCause,
  graceMillis: number,
): Promise<void> {
  try {
    const memberships = await services.registry.memberships(connectionId);
    const at = services.clock();
    const ending = { cause, at, deadline: at + graceMillis };
    await Promise.all(memberships.map((membership) => closeSeat(services, membership, ending)));
    await services.registry.remove(connectionId);
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('The end of a connection could not be written down; it will time out', { connectionId, error });
  }
}

async function closeSeat(services: Services, membership: Membership, { cause, at, deadline }: Ending): Promise<void> {
  const { sessionId } = membership;
  const { store } = services.presence;
  const close = () => store.close(membership, deadline, cause, at);
  let closed = await close();
  if (!closed) {
    // Redis forgot the session: without a seat nobody would ever hear that this one ended. Another frame may just have
    // brought it back.
    if (!(await store.isKnown(sessionId))) {
      await rebuildSession(services, sessionId, { onlyIfLost: true, alsoConnection: membership });
      await scheduleVisit(services, sessionId, services.clock());
    }
    closed = await close();
  }
  if (closed) await scheduleVisit(services, sessionId, deadline);
}
