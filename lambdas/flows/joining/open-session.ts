import { claimedRole } from '../../../protocol/access-claim.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Message } from '../../../protocol/messages.ts';
import { sessionCreated } from '../../activity/activity-events.ts';
import { Overtaken, type Turn } from '../../platform/turn.ts';
import type { OwnState } from '../../presence/person-data.ts';
import type { Services } from '../../services/services.ts';
import { JoinRefused, refusals } from '../../sessions/refusals.ts';
import type { Opening } from '../../sessions/session-keys.ts';
import type { Caller } from '../callers/caller.ts';
import { refuseForeignGuest, refuseGuest } from '../callers/people.ts';
import { type PresentState, presentState } from '../frames/present-state.ts';
import { actorOf } from '../journal/audit.ts';
import { transactWithAudit } from '../journal/transact-with-audit.ts';
import { joinSession, refuseCreation, seatCreator } from './join-session.ts';

/** Attempts to open a session, if the session that was found ends before the caller has joined it. */
const mostAttempts = 3;

/**
 * Joins the live session of a key, or creates one that the caller owns (rule SE11). Unless the metadata say otherwise, the
 * session is public: whoever knows the key may join as a viewer.
 *
 * @throws RollcallError as `joinSession` does.
 */
export async function openSession(
  services: Services,
  caller: Caller,
  { key, metadata, invite, guest, ...ownState }: Omit<Message<'session_open'>, 'requestId' | 'order'>,
  turn: Turn,
): Promise<ServerFrame<'session_opened'> | ServerFrame<'session_left'>> {
  // This is checked before the key is looked up, so that the answer does not reveal whether the key has a session.
  if (caller.claim && !claimedRole(caller.claim, key)) throw refusals.notClaimed();
  for (let attempt = 1; ; attempt += 1) {
    const { id, created } = await findOrCreate(services, caller, key, metadata);
    try {
      if (created) return await openedByCreator(services, caller, id, ownState, turn);
      return opened(await joinSession(services, caller, id, invite, { guest, ownState, turn }), false);
    } catch (error) {
      // A key with a live session cannot get another one, so it cannot be hidden that the key is in use.
      if (isRefusedThere(error)) throw refusals.notInvited();
      const isOver = error instanceof RollcallError && error.code === 'SESSION_INACTIVE';
      if (!isOver || attempt === mostAttempts) throw error;
    }
  }
}

/** Whether the session exists and the caller may not see it. */
function isRefusedThere(error: unknown): boolean {
  return error instanceof JoinRefused && error.code === 'SESSION_NOT_FOUND' && error.sessionId !== undefined;
}

async function openedByCreator(services: Services, caller: Caller, id: string, ownState: OwnState, turn: Turn) {
  try {
    const state = await seatCreator(services, caller, await services.sessions.getSession(id), ownState, turn);
    return opened({ type: 'session_joined', role: 'operator', ...state }, true);
  } catch (error) {
    if (!(error instanceof Overtaken)) throw error;
    return opened(await presentState(services, caller, id), true);
  }
}

/** If a later leave of the connection was served first, the answer says that the connection has left (rule PR18). */
function opened(state: PresentState, created: boolean): ServerFrame<'session_opened'> | ServerFrame<'session_left'> {
  return state.type === 'session_left' ? state : { ...state, type: 'session_opened', created };
}

async function findOrCreate(
  services: Services,
  caller: Caller,
  key: string,
  metadata: Message<'session_open'>['metadata'],
): Promise<Opening> {
  const live = await services.sessionKeys.live(key);
  if (live !== undefined) {
    await refuseForeignGuest(services, caller, live);
    return { id: live, created: false };
  }
  refuseGuest(caller);
  refuseCreation(caller, key);
  const { userId, username, externalId } = caller;
  return transactWithAudit(services, async ({ keys, audit }) => {
    const owner = { userId, username, externalId };
    const opening = await keys.open({ key, metadata, isPublic: true, owner });
    if (opening.created) await audit(sessionCreated(actorOf(caller, opening.id), key));
    return opening;
  });
}
