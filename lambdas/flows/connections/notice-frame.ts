import { RollcallError } from '../../../protocol/errors.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';

/**
 * Counts a frame that is about something else as a sign of life of its sender (rule PR1): in the session that it names,
 * or in each that its connection joined where it names none. It changes nothing that others see.
 *
 * Never throws: the frame is served for its own sake, and whatever went wrong here, the next frame is a sign of life, too.
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
    // A RollcallError says that the caller has not joined the session, or that a store is away: its own log tells of that.
    if (!(error instanceof RollcallError)) services.log.error('A sign of life was not noted', error as Error);
  }
}

async function joinedBy(services: Services, connectionId: string): Promise<string[]> {
  const memberships = await services.registry.memberships(connectionId);
  return memberships.map((membership) => membership.sessionId);
}
