import type { LeaveCause } from '../../../protocol/entities.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import type { Seat } from '../../connections/membership.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';
import { rebuildSession } from './rebuild-session.ts';

interface Ending {
  cause: LeaveCause;
  /** When the socket ended, Unix milliseconds. */
  at: number;
  /** When the grace ends, Unix milliseconds. */
  deadline: number;
}

/**
 * Ends a connection whose socket closed without a leave. Its seats get the grace, and the sweep announces the leave after
 * it. Only this connection is changed, so a late or repeated event does not affect a newer connection (rules PR7, PR8, FA5).
 *
 * A post may find the socket gone before its `$disconnect` event arrives. Then the event, which alone says how the socket ended,
 * shortens the grace after a clean close.
 *
 * The memberships are deleted last. While Redis is away the seats cannot be closed. Then they time out, like those of a
 * connection that lost power.
 */
export async function endConnection(
  services: Services,
  connectionId: string,
  cause: LeaveCause,
  graceMillis: number,
): Promise<void> {
  try {
    const { memberships, gone } = await services.registry.ending(connectionId);
    const at = services.clock();
    const ending = { cause, at, deadline: at + graceMillis };
    await Promise.all(memberships.map((membership) => closeSeat(services, membership, ending)));
    if (cause === 'gone') await services.registry.removeGone(connectionId, at);
    else {
      await Promise.all(gone.map((seat) => shortenGrace(services, seat, ending)));
      await services.registry.remove(connectionId);
    }
  } catch (error) {
    if (!isAway(error)) throw error;
    services.log.warn('A store is away; a closed connection will time out', { connectionId, error });
  }
}

async function closeSeat(services: Services, membership: Membership, { cause, at, deadline }: Ending): Promise<void> {
  const { sessionId } = membership;
  const { store } = services.presence;
  const close = () => store.close(membership, deadline, cause, at);
  let closed = await close();
  if (!closed) {
    // Redis forgot the session. Without a seat, the others would never be told that this connection ended. Another frame may
    // have restored the session meanwhile.
    if (!(await store.isKnown(sessionId))) {
      await rebuildSession(services, sessionId, { onlyIfLost: true, alsoConnection: membership });
      await scheduleVisit(services, sessionId, services.clock());
    }
    closed = await close();
  }
  if (closed) await scheduleVisit(services, sessionId, deadline);
}

async function shortenGrace(services: Services, seat: Seat, { cause, at, deadline }: Ending): Promise<void> {
  const isShorter = await services.presence.store.close(seat, deadline, cause, at);
  if (isShorter) await scheduleVisit(services, seat.sessionId, deadline);
}
