import { RollcallError } from '../../../protocol/errors.ts';
import { Overtaken } from '../../platform/turn.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { personOf } from '../callers/people.ts';
import { notInSession } from '../callers/session-ids.ts';
import { rebuildSession } from '../connections/rebuild-session.ts';
import { announceRevival } from '../liveness/announce-liveness.ts';
import { seatConnection } from './seat-connection.ts';

/**
 * Seats a connection again that joined a session and is not known to Redis any more: its user timed out (rule PR11) or
 * Redis was emptied (rule FA2). The slot is taken anew; while PostgreSQL is away presence goes on without (rule FA3).
 *
 * @throws RollcallError NOT_IN_SESSION for a connection that never joined, was removed or whose session is over.
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
    // Where the slot was taken anew, the stay that began without presence is over, and this is another one.
    const isWritten = membership.unseated && !joined.activated;
    const { invisible, data: kept } = membership;
    await seatConnection(services, caller, { ...joined, isWritten, invisible, kept }, { known: membership });
    if (joined.revived) await announceRevival(services, joined.session);
  } catch (error) {
    // Whoever joined or left meanwhile is where they want to be.
    if (error instanceof Overtaken) return;
    if (!(error instanceof RollcallError)) throw error;
    if (error.code !== 'UNAVAILABLE') {
      await services.registry.takeBack(membership);
      throw error;
    }
    services.log.warn('A user returned while the database was away', { sessionId, userId: caller.userId, error });
    const { sessionName, role, cursorRole, unseated, invisible, data: kept } = membership;
    const metadata = cursorRole ? { metadata: { visibility: { cursors: cursorRole } } } : {};
    const session = { id: sessionId, sessionId: sessionName, ...metadata };
    const slot = { activated: false, unasked: true, isWritten: unseated };
    await seatConnection(services, caller, { session, role, ...slot, invisible, kept }, { known: membership });
  }
}
