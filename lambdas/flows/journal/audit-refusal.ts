import { RollcallError } from '../../../protocol/errors.ts';
import type { ActivityParams } from '../../activity/activity-entry.ts';
import type { Actor } from '../../activity/activity-events.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';
import { actorOf, audit } from './audit.ts';

/**
 * Does something in a session on behalf of the caller. If they may not do it, the audit trail of the session says who tried.
 *
 * @param entryOf the entry of the refusal; its reason is an error code.
 * @throws the error of the work, also if the entry cannot be recorded.
 */
export async function auditRefusal<T>(
  services: Services,
  caller: Caller,
  sessionRef: string,
  entryOf: (actor: Actor, reason: string) => ActivityParams,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (await isRefusal(services, caller, sessionRef, error)) {
      await noteRefusal(services, caller, sessionRef, (actor) => entryOf(actor, 'PERMISSION_DENIED'));
    }
    throw error;
  }
}

/**
 * Whether the error refuses something in a session that exists. A user who may not see a session is told that there is none, and a
 * guest is refused in each session but their own (rule SE13). The audit trail records these refusals too.
 */
async function isRefusal(
  services: Services,
  { guest }: Pick<Caller, 'guest'>,
  sessionRef: string,
  error: unknown,
): Promise<boolean> {
  if (!(error instanceof RollcallError)) return false;
  if (error.code === 'PERMISSION_DENIED' && !guest) return true;
  if (error.code !== 'PERMISSION_DENIED' && error.code !== 'SESSION_NOT_FOUND') return false;
  return services.sessions.getSession(sessionRef).then(
    () => true,
    () => false,
  );
}

async function noteRefusal(
  services: Services,
  caller: Caller,
  sessionRef: string,
  entryOf: (actor: Actor) => ActivityParams,
): Promise<void> {
  try {
    await audit(services, entryOf(actorOf(caller, await refusedSession(services, caller, sessionRef))));
  } catch (error) {
    logFailure(services.log, 'A refusal could not be recorded', error, { sessionRef, userId: caller.userId });
  }
}

/** While PostgreSQL is away, the connection table knows the sessions that the connection joined. */
async function refusedSession(services: Services, caller: Caller, sessionRef: string): Promise<string> {
  try {
    return await services.sessions.resolveSessionId(sessionRef);
  } catch (error) {
    if (!isAway(error, 'database')) throw error;
    return sessionIdOf(services, caller, sessionRef);
  }
}
