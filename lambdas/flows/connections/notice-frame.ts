import { RollcallError } from '../../../protocol/errors.ts';
import { log } from '../../platform/log.ts';
import { presence } from '../../services/presence.ts';
import { registry } from '../../services/registry.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';

/**
 * Counts a frame that is about something else as a sign of life of its sender (rule PR1): in the session that it names,
 * or in each that its connection joined where it names none. It changes nothing that others see.
 *
 * Never throws: the frame is served for its own sake, and whatever went wrong here, the next frame is a sign of life, too.
 */
export async function noticeFrame(caller: Caller, { sessionId }: { sessionId?: string }): Promise<void> {
  const { userId, connectionId } = caller;
  try {
    const sessionIds = sessionId === undefined ? await joinedBy(connectionId) : [await sessionIdOf(caller, sessionId)];
    const now = Date.now();
    await Promise.all(sessionIds.map((id) => presence().store.notice({ sessionId: id, userId, connectionId }, now)));
  } catch (error) {
    // A RollcallError says that the caller has not joined the session, or that a store is away: its own log tells of that.
    if (!(error instanceof RollcallError)) log.error('A sign of life was not noted', error as Error);
  }
}

async function joinedBy(connectionId: string): Promise<string[]> {
  const memberships = await registry().memberships(connectionId);
  return memberships.map((membership) => membership.sessionId);
}
