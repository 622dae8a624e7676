import { diffTravelMillis } from '../../../protocol/timings.ts';
import type { TouchOutcome } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { postToCaller } from '../callers/post-to-caller.ts';
import { snapshotFor } from './snapshot.ts';

/** What a client has applied of a session. */
export interface Applied {
  epoch: string;
  seq: number;
}

/**
 * Sends a snapshot to a client whose heartbeat says that it has missed a diff. If the missed diff was the last one, no
 * later diff ever shows the gap.
 */
export async function resyncIfBehind(
  services: Services,
  caller: Caller,
  sessionRef: string,
  applied: Applied,
  outcome: TouchOutcome,
  now: number,
): Promise<void> {
  if (!isBehind(applied, outcome, now)) return;
  await postToCaller(services, caller.connectionId, {
    type: 'presence_state',
    ...(await snapshotFor(services, caller, sessionRef)),
  });
}

/**
 * Whether a client has missed a diff. A diff that the heartbeat itself caused, or that was numbered a moment ago, is still
 * on its way and not missed. If it is lost, a later diff or the next heartbeat shows that.
 */
export function isBehind(applied: Applied, outcome: TouchOutcome, now: number): boolean {
  if (applied.epoch !== outcome.epoch) return true;
  const own = outcome.receivers.length > 0 ? outcome.parts : 0;
  return applied.seq < outcome.seq - own && now - outcome.numberedAt >= diffTravelMillis;
}
