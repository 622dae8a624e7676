import { v5 as uuidv5 } from 'uuid';
import { RollcallError } from '../../../protocol/errors.ts';
import type { ActivityParams } from '../../activity/activity-entry.ts';
import type { Actor } from '../../activity/activity-events.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';
import { actorOf, audit } from './audit.ts';

/** The namespace of the entries' ids. Any UUID works, but it must never change. */
const refusalNamespace = '5d1f5a0e-6a3c-4b52-9a0b-8d3e5c7f2a16';

/** A user leaves at most one entry of each kind in a session within this time. */
const entryMillis = 60_000;

/**
 * Does something in a session on behalf of the caller. If they may see it and may not do this, the audit trail of the session says
 * who tried (rule AC10).
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
    if (error instanceof RollcallError && error.code === 'PERMISSION_DENIED') {
      await noteRefusal(services, caller, sessionRef, (actor) => entryOf(actor, 'PERMISSION_DENIED'));
    }
    throw error;
  }
}

/** A user who may not see the session was told that there is none. A guest sees only the session of their invite. */
async function noteRefusal(
  services: Services,
  caller: Caller,
  sessionRef: string,
  entryOf: (actor: Actor) => ActivityParams,
): Promise<void> {
  try {
    const sessionId = await refusedSession(services, caller, sessionRef);
    if (caller.guest && caller.guest.sessionId !== sessionId) return;
    const entry = entryOf(actorOf(caller, sessionId));
    await audit(services, { ...entry, activityId: idOf(entry, services.clock()) });
  } catch (error) {
    // A guest may name a session that does not exist.
    if (error instanceof RollcallError && error.code === 'SESSION_NOT_FOUND') return;
    logFailure(services.log, 'A refusal could not be recorded', error, { sessionRef, userId: caller.userId });
  }
}

/** All refusals of one kind of a user in a minute have the same id. So the first one is written, and repeats are not. */
function idOf({ sessionId, userId, type }: ActivityParams, now: number): string {
  return uuidv5(JSON.stringify([sessionId, userId, type, Math.floor(now / entryMillis)]), refusalNamespace);
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
