import { RollcallError } from '../../../protocol/errors.ts';
import { Overtaken } from '../../platform/turn.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { personOf } from '../callers/people.ts';
import { notInSession } from '../callers/session-ids.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { announceRevival } from '../liveness/announce-liveness.ts';
import { takeOverOf } from '../presence/take-over-guest.ts';
import { seatConnection } from './seat-connection.ts';

/**
 * Seats a connection again that joined a session and that Redis does not know any more: its user timed out (rule PR11) or
 * Redis lost its data (rule FA2). The user takes a slot again. While PostgreSQL is away, they are seated without one (rule
 * FA3).
 *
 * @throws RollcallError NOT_IN_SESSION if the connection never joined, its user was removed, or the session is over.
 */
export async function returnToSession(services: Services, caller: Caller, sessionId: string): Promise<void> {
  const membership = await services.registry.membership(caller.connectionId, sessionId);
  if (!membership) throw notInSession();
  if (!(await services.presence.store.isKnown(sessionId)))
    await rebuildSession(services, sessionId, { onlyIfLost: true });
  try {
    const joined = await services.sessions.joinSession({
      sessionRef: sessionId,
      person: personOf(caller),
      invite: caller.guest?.invite,
    });
    // If the slot had to be taken again, the stay that began while Redis was away has ended, and this is another one.
    const isWritten = membership.unseated && !joined.activated;
    const { invisible, data: kept } = membership;
    // A guest may have signed in while Redis was away.
    await takeOverOf(services, caller, sessionId, joined);
    await seatConnection(services, caller, { ...joined, isWritten, invisible, kept }, { known: membership });
    if (joined.revived) await announceRevival(services, joined.session);
  } catch (error) {
    // The user joined or left meanwhile: nothing has to be done for this frame.
    if (error instanceof Overtaken) return;
    if (!(error instanceof RollcallError)) throw error;
    if (error.code !== 'UNAVAILABLE') {
      await services.registry.takeBack(membership);
      throw error;
    }
    services.log.warn('A user returned while PostgreSQL was away', { sessionId, userId: caller.userId, error });
    const { sessionName, cursorRole, unseated, invisible, data: kept, guestId } = membership;
    const role = membership.claimedRole ?? membership.role;
    const metadata = cursorRole ? { metadata: { visibility: { cursors: cursorRole } } } : {};
    const session = { id: sessionId, sessionId: sessionName, ...metadata };
    const slot = { activated: false, unasked: true, isWritten: unseated };
    await takeOverOf(services, caller, sessionId, { role, guestId });
    await seatConnection(services, caller, { session, role, ...slot, invisible, kept, guestId }, { known: membership });
  }
}
