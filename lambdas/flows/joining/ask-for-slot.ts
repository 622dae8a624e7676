import type { ActivityParams } from '../../activity/activity-entry.ts';
import { inviteRefused, inviteUsed } from '../../activity/activity-events.ts';
import type { Services } from '../../services/services.ts';
import type { JoinResult } from '../../sessions/join-gate.ts';
import { JoinRefused } from '../../sessions/refusals.ts';
import type { Caller } from '../callers/caller.ts';
import { personOf } from '../callers/people.ts';
import { actorOf, audit } from '../journal/audit.ts';
import { transactWithAudit } from '../journal/transact-with-audit.ts';

/** Takes the slot, if the caller may join. The use of an invite and the slot are one transaction. */
export async function askForSlot(
  services: Services,
  caller: Caller,
  sessionRef: string,
  invite: string | undefined,
): Promise<JoinResult> {
  const request = { sessionRef, person: personOf(caller), invite };
  if (invite === undefined) return services.sessions.joinSession(request);
  return withRefusal(services, caller, () =>
    transactWithAudit(services, async ({ sessions, audit: note }) => {
      const joined = await sessions.joinSession(request);
      for (const entry of inviteEntries(caller, joined)) await note(entry);
      return joined;
    }),
  );
}

/** Does something with an invite. If the invite is refused, the audit trail says so (rule SE7). */
export async function withRefusal<T>(services: Services, caller: Caller, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof JoinRefused && error.inviteRefusal && error.sessionId) {
      await audit(services, inviteRefused(actorOf(caller, error.sessionId), error.inviteRefusal, error.inviteId));
    }
    throw error;
  }
}

/** The entries of the use or refusal of an invite for the audit trail (rule SE7). */
export function inviteEntries(
  caller: Caller,
  { session, inviteId, inviteRefusal, role }: JoinResult,
): ActivityParams[] {
  const actor = actorOf(caller, session.id);
  return [
    ...(inviteId ? [inviteUsed(actor, inviteId, role)] : []),
    ...(inviteRefusal ? [inviteRefused(actor, inviteRefusal)] : []),
  ];
}
