import type { SessionMetadata } from '../../protocol/entities.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { inviteRefused, inviteUsed, sessionCreated } from '../activity/activity-events.ts';
import type { Caller } from '../runtime/caller.ts';
import { sessions } from '../runtime/sessions.ts';
import type { JoinResult } from '../sessions/join-gate.ts';
import { JoinRefused } from '../sessions/refusals.ts';
import { actorOf, audit } from './audit.ts';
import { personOf, refuseForeignGuest, refuseGuest } from './people.ts';
import { seatConnection } from './seat-connection.ts';
import { sendRest } from './snapshot.ts';

/** Creates a session; the caller owns it and this connection has joined it. */
export async function createSession(
  caller: Caller,
  operationId: string,
  metadata: SessionMetadata | undefined,
): Promise<ServerFrame<'session_created'>> {
  refuseGuest(caller);
  const { userId, username, externalId } = caller;
  const session = await sessions().createSession(userId, operationId, metadata, { username, externalId });
  const [{ epoch, seq, users }] = await Promise.all([
    seatConnection(caller, { session, role: 'operator', activated: true }),
    audit(sessionCreated(actorOf(caller, session.id), operationId)),
  ]);
  return { type: 'session_created', session, epoch, seq, users };
}

/** Lets the caller into a session, with an invite where their own right does not suffice. */
export async function joinSession(
  caller: Caller,
  sessionRef: string,
  invite: string | undefined,
): Promise<ServerFrame<'session_joined'>> {
  refuseForeignGuest(caller, await sessions().resolveSessionId(sessionRef));
  const joined = await askDoor(caller, sessionRef, invite ?? caller.guest?.invite);
  const { session, role } = joined;
  const [outcome] = await Promise.all([seatConnection(caller, joined), auditInvite(caller, joined)]);
  const { epoch, seq, users } = outcome;
  const { sessionId: _, ...state } = await sendRest(caller, { sessionId: session.id, epoch, seq, users });
  return { type: 'session_joined', session, role, ...state };
}

async function askDoor(caller: Caller, sessionRef: string, invite: string | undefined): Promise<JoinResult> {
  try {
    return await sessions().joinSession({ sessionRef, person: personOf(caller), invite });
  } catch (error) {
    if (error instanceof JoinRefused && error.inviteRefusal && error.sessionId) {
      await audit(inviteRefused(actorOf(caller, error.sessionId), error.inviteRefusal, error.inviteId));
    }
    throw error;
  }
}

/** Every use and refusal of an invite is in the audit trail (rule SE7). */
async function auditInvite(caller: Caller, { session, inviteId, inviteRefusal, role }: JoinResult): Promise<void> {
  const actor = actorOf(caller, session.id);
  if (inviteId) await audit(inviteUsed(actor, inviteId, role));
  if (inviteRefusal) await audit(inviteRefused(actor, inviteRefusal));
}
