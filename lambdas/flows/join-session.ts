import type { SessionMetadata } from '../../protocol/entities.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import type { ActivityParams } from '../activity/activity-entry.ts';
import { inviteRefused, inviteUsed, sessionCreated } from '../activity/activity-events.ts';
import { frameOrder } from '../delivery/frame-order.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/registry.ts';
import { sessions } from '../runtime/sessions.ts';
import type { JoinResult } from '../sessions/join-gate.ts';
import { JoinRefused } from '../sessions/refusals.ts';
import { announceRevival } from './announce-liveness.ts';
import { actorOf, audit } from './audit.ts';
import { decide } from './decide.ts';
import { personOf, refuseForeignGuest, refuseGuest } from './people.ts';
import { overtaken, type Seated, seatConnection } from './seat-connection.ts';
import { listFor, sendRest } from './snapshot.ts';

/** Creates a session; the caller owns it and this connection has joined it. */
export async function createSession(
  caller: Caller,
  operationId: string,
  metadata: SessionMetadata | undefined,
): Promise<ServerFrame<'session_created'>> {
  refuseGuest(caller);
  const { userId, username, externalId } = caller;
  const session = await decide(async ({ sessions, audit }) => {
    const created = await sessions.createSession(userId, operationId, metadata, { username, externalId });
    await audit(sessionCreated(actorOf(caller, created.id), operationId));
    return created;
  });
  const seated = await seatConnection(caller, { session, role: 'operator', activated: true });
  if (seated === overtaken) throw new Error('A session that was just created was joined or left before.');
  const { epoch, seq, users } = seated;
  return { type: 'session_created', session, epoch, seq, users };
}

/** What a `session_join` brings. */
interface JoinRequest {
  invite?: string | undefined;
  /** The number of the frame among those of the connection. */
  order?: number | undefined;
}

/**
 * Lets the caller into a session, with an invite where their own right does not suffice.
 *
 * A join that a later frame of the connection has overtaken changes nothing (rule PR18). It is answered with what is
 * true by then: the present state, or that the connection has left.
 */
export async function joinSession(
  caller: Caller,
  sessionRef: string,
  { invite, order }: JoinRequest,
): Promise<ServerFrame<'session_joined' | 'session_left'>> {
  refuseForeignGuest(caller, await sessions().resolveSessionId(sessionRef));
  const joined = await askDoor(caller, sessionRef, invite ?? caller.guest?.invite);
  const { session, role, revived } = joined;
  const seated = await seatConnection(caller, { ...joined, frame: frameOrder(caller, order) });
  if (revived) await announceRevival(session);
  const known = seated === overtaken ? await presentState(caller, session.id) : seated;
  if (!known) return { type: 'session_left', sessionId: session.id };
  const { epoch, seq, users } = known;
  const firstBytes = Buffer.byteLength(JSON.stringify(session));
  const { sessionId: _, ...state } = await sendRest(caller, { sessionId: session.id, epoch, seq, users }, firstBytes);
  return { type: 'session_joined', session, role, ...state };
}

/** The state for a connection that a later join has seated; undefined where a later leave has ended its seat. */
async function presentState(caller: Caller, sessionId: string): Promise<Seated | undefined> {
  if (!(await registry().membership(caller.connectionId, sessionId))) return undefined;
  return listFor(caller, sessionId);
}

/** With an invite, its use and the place are written down together. */
async function askDoor(caller: Caller, sessionRef: string, invite: string | undefined): Promise<JoinResult> {
  const request = { sessionRef, person: personOf(caller), invite };
  if (invite === undefined) return sessions().joinSession(request);
  try {
    return await decide(async ({ sessions, audit }) => {
      const joined = await sessions.joinSession(request);
      for (const entry of inviteEntries(caller, joined)) await audit(entry);
      return joined;
    });
  } catch (error) {
    if (error instanceof JoinRefused && error.inviteRefusal && error.sessionId) {
      await audit(inviteRefused(actorOf(caller, error.sessionId), error.inviteRefusal, error.inviteId));
    }
    throw error;
  }
}

/** Every use and refusal of an invite is in the audit trail (rule SE7). */
function inviteEntries(caller: Caller, { session, inviteId, inviteRefusal, role }: JoinResult): ActivityParams[] {
  const actor = actorOf(caller, session.id);
  return [
    ...(inviteId ? [inviteUsed(actor, inviteId, role)] : []),
    ...(inviteRefusal ? [inviteRefused(actor, inviteRefusal)] : []),
  ];
}
