import type { PresenceOutcome } from '../../presence/outcome.ts';
import { postToCaller } from '../../services/delivery.ts';
import type { Caller } from '../callers/caller.ts';
import { snapshotFor } from './snapshot.ts';

/**
 * Sends the whole state to a client whose heartbeat says that it has applied less than there was: the frame it missed may
 * have been the last one, after which no gap would ever show. What this very heartbeat caused is on its way and not
 * missed.
 */
export async function healIfBehind(
  caller: Caller,
  sessionRef: string,
  applied: { epoch: string; seq: number },
  outcome: PresenceOutcome,
): Promise<void> {
  const numbered = outcome.receivers.length > 0 ? outcome.parts : 0;
  const behind = applied.epoch !== outcome.epoch || applied.seq < outcome.seq - numbered;
  if (behind)
    await postToCaller(caller.connectionId, { type: 'presence_state', ...(await snapshotFor(caller, sessionRef)) });
}
