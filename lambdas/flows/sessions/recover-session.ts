import type { Session } from '../../../protocol/entities.ts';
import { sessionRecovered } from '../../activity/activity-events.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { refuseForeignGuest } from '../callers/people.ts';
import { actorOf } from '../journal/audit.ts';
import { expiryEntry } from '../journal/expiry-entry.ts';
import { transactWithAudit } from '../journal/transact-with-audit.ts';
import { announceRevival } from '../liveness/announce-liveness.ts';

/**
 * Recovers an expired session for its owner. A session that is active is only returned (rule SE6). An expiry that no sweep
 * has recorded yet is recorded too.
 */
export async function recoverSession(services: Services, caller: Caller, sessionRef: string): Promise<Session> {
  await refuseForeignGuest(services, caller, sessionRef);
  const { session, recovered } = await transactWithAudit(services, async ({ sessions, audit }) => {
    const done = await sessions.recoverSession(sessionRef, caller);
    if (done.unannounced) await audit(expiryEntry(done.unannounced));
    if (done.recovered) await audit(sessionRecovered(actorOf(caller, done.session.id)));
    return done;
  });
  if (recovered) await announceRevival(services, session);
  return session;
}
