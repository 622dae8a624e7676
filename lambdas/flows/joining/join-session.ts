import { claimedRole } from '../../../protocol/access-claim.ts';
import type { Session, SessionMetadata } from '../../../protocol/entities.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import { sessionCreated } from '../../activity/activity-events.ts';
import { once } from '../../platform/once.ts';
import { Overtaken, type Turn } from '../../platform/turn.ts';
import type { OwnState } from '../../presence/person-data.ts';
import type { Services } from '../../services/services.ts';
import type { GuestProof } from '../../sessions/guest-identities.ts';
import { refusals } from '../../sessions/refusals.ts';
import type { Caller } from '../callers/caller.ts';
import { refuseForeignGuest, refuseGuest } from '../callers/people.ts';
import { bytesOf, type PresentState, presentState } from '../frames/present-state.ts';
import { actorOf } from '../journal/audit.ts';
import { transactWithAudit } from '../journal/transact-with-audit.ts';
import { announceRevival } from '../liveness/announce-liveness.ts';
import { sendRest } from '../presence/send-rest.ts';
import { takeOverOf } from '../presence/take-over-guest.ts';
import { runJoin, seatConnection } from '../seating/seat-connection.ts';
import { askForSlot } from './ask-for-slot.ts';
import { signIn } from './sign-in.ts';

/** Creates a session. The caller owns it, and their connection joins it. */
export async function createSession(
  services: Services,
  caller: Caller,
  operationId: string,
  metadata: SessionMetadata | undefined,
  ownState: OwnState = {},
): Promise<ServerFrame<'session_created'>> {
  refuseGuest(caller);
  refuseCreation(caller, operationId);
  const { userId, username, externalId } = caller;
  const session = await transactWithAudit(services, async ({ sessions, audit }) => {
    const created = await sessions.createSession(userId, operationId, metadata, { username, externalId });
    await audit(sessionCreated(actorOf(caller, created.id), operationId));
    return created;
  });
  return { type: 'session_created', ...(await seatCreator(services, caller, session, ownState)) };
}

/** @throws RollcallError PERMISSION_DENIED if an access claim does not make the caller an operator there (rule SE12). */
export function refuseCreation({ claim }: Caller, key: string): void {
  if (claim === undefined) return;
  const role = claimedRole(claim, key);
  if (role === undefined) throw refusals.notClaimed();
  if (role !== 'operator') throw refusals.notCreator();
}

/** Seats the owner of a session that was just created. */
export async function seatCreator(
  services: Services,
  caller: Caller,
  session: Session,
  ownState: OwnState,
  turn?: Turn,
): Promise<Omit<ServerFrame<'session_created'>, 'type'>> {
  const seating = { session, role: 'operator', activated: true, ownState } as const;
  const { epoch, seq, users } = await seatConnection(services, caller, seating, { turn });
  return { session, epoch, seq, users };
}

/** What a join may bring besides the session and an invite. */
export interface Joining {
  /** Proves that the caller was this guest before they signed in (rule SE15). */
  guest?: GuestProof | undefined;
  ownState?: OwnState;
  turn?: Turn;
}

/**
 * Lets the caller join a session, with an invite if they have no access without it. If a later frame of the connection was
 * served first, the answer tells what is true now (rule PR18).
 */
export async function joinSession(
  services: Services,
  caller: Caller,
  sessionRef: string,
  invite: string | undefined,
  { guest, ownState, turn }: Joining = {},
): Promise<PresentState> {
  await refuseForeignGuest(services, caller, sessionRef);
  const takeSlot = once(async () => {
    if (guest) return signIn(services, caller, sessionRef, { guest, invite });
    const slot = await askForSlot(services, caller, sessionRef, invite ?? caller.guest?.invite);
    // An earlier join may have been killed between the stores.
    await takeOverOf(services, caller, slot.session.id, slot);
    return slot;
  });
  const seating = async () => ({ ...(await takeSlot()), ownState });
  const seated = await runJoin(services, caller, seating, { turn }).catch((error: Error) => {
    if (error instanceof Overtaken) return undefined;
    throw error;
  });
  const { session, revived } = await takeSlot();
  if (revived) await announceRevival(services, session);
  if (!seated) return presentState(services, caller, session.id);
  const { epoch, seq, users, role } = seated;
  const snapshot = { sessionId: session.id, epoch, seq, users };
  const { sessionId: _, ...state } = await sendRest(services, caller, snapshot, bytesOf(session));
  return { type: 'session_joined', session, role, ...state };
}
