import { RollcallError } from '../../../protocol/errors.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';

/**
 * Counts a frame as a sign of life of its connection (rule PR1): in the session that the frame names, or in each session
 * that the connection joined if it names none. Others see no change.
 *
 * Never throws, because the frame itself is served anyway and the next frame is a sign of life too.
 */
export async function noticeFrame(
  services: Services,
  caller: Caller,
  { sessionId }: { sessionId?: string },
): Promise<void> {
  const { userId, connectionId } = caller;
  try {
    const sessionIds =
      sessionId === undefined
        ? await joinedBy(services, connectionId)
        : [await sessionIdOf(services, caller, sessionId)];
    const now = services.clock();
    await Promise.all(
      sessionIds.map((id) => services.presence.store.notice({ sessionId: id, userId, connectionId }, now)),
    );
  } catch (error) {
    // A RollcallError means that the caller has not joined the session or that a store is away, which is logged elsewhere.
    if (!(error instanceof RollcallError)) services.log.error('A sign of life could not be recorded', error as Error);
  }
}

async function joinedBy(services: Services, connectionId: string): Promise<string[]> {
  const memberships = await services.registry.memberships(connectionId);
  return memberships.map((membership) => membership.sessionId);
}
