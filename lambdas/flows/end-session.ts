import type { LeaveCause } from '../../protocol/entities.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { sessionEnded } from '../activity/activity-events.ts';
import type { Caller } from '../runtime/caller.ts';
import { registry } from '../runtime/delivery.ts';
import { log } from '../runtime/log.ts';
import { presence } from '../runtime/presence.ts';
import { sessions } from '../runtime/sessions.ts';
import { send } from './announce.ts';
import { actorOf, audit } from './audit.ts';
import { recordDeparture } from './departures.ts';

/** Ends a session for everybody in it; a second time it only answers (rule SE9). */
export async function endSession(
  caller: Caller,
  sessionRef: string,
  status: 'completed' | 'failed' | undefined,
): Promise<ServerFrame<'session_ended'>> {
  const { session, ended } = await sessions().endSession(sessionRef, { status, actorId: caller.userId });
  const frame: ServerFrame<'session_ended'> = { type: 'session_ended', sessionId: session.id, reason: session.status };
  if (ended) {
    await audit(sessionEnded(actorOf(caller, session.id), status ?? 'completed'));
    await emptySession(session.id, 'session_ended', frame, caller.connectionId);
  }
  return frame;
}

/**
 * Takes everybody out of a session that is over and tells them, except the connection that gets it as its answer. While
 * Redis is away the connections are found in the registry (rule FA1).
 */
export async function emptySession(
  sessionId: string,
  cause: Extract<LeaveCause, 'session_ended' | 'session_expired'>,
  frame: ServerFrame,
  exceptConnection?: string,
): Promise<void> {
  const at = Date.now();
  const members = await registry().members(sessionId);
  const present = await presence()
    .store.evict(sessionId, undefined, cause, at)
    .catch((error: Error) => {
      log.warn('Presence of a session that is over could not be cleared; its keys run out by themselves', error);
      return { ended: [], leaves: [] };
    });
  const receivers = new Map([...members, ...present.ended].map((member) => [member.connectionId, member]));
  if (exceptConnection) receivers.delete(exceptConnection);
  await Promise.all([
    registry().leaveAll(members),
    ...present.leaves.map((leave) => recordDeparture(sessionId, { ...leave, at })),
  ]);
  await send([...receivers.values()], frame);
}
