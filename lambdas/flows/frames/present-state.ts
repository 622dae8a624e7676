import type { Session } from '../../../protocol/entities.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Services } from '../../services/services.ts';
import { authorizeCaller } from '../callers/authorize-caller.ts';
import type { Caller } from '../callers/caller.ts';
import { snapshotFor } from './snapshot.ts';

/** The answer to a join or a leave: whether the connection is in the session. */
export type PresentState = ServerFrame<'session_joined'> | ServerFrame<'session_left'>;

/**
 * The answer to a join or leave that a later frame of its connection has overtaken (rule PR18). It tells what is true now,
 * not what the frame asked for.
 */
export async function presentState(services: Services, caller: Caller, sessionId: string): Promise<PresentState> {
  const membership = await services.registry.membership(caller.connectionId, sessionId);
  if (!membership) return { type: 'session_left', sessionId };
  try {
    const { session } = await authorizeCaller(services, caller, sessionId, 'view');
    const { sessionId: _, ...state } = await snapshotFor(services, caller, sessionId, bytesOf(session));
    return { type: 'session_joined', session, role: membership.claimedRole ?? membership.role, ...state };
  } catch (error) {
    // The connection left, or was removed, meanwhile.
    if (error instanceof RollcallError && error.code === 'NOT_IN_SESSION') return { type: 'session_left', sessionId };
    throw error;
  }
}

/** The size of a session in a frame, in bytes. */
export function bytesOf(session: Session): number {
  return Buffer.byteLength(JSON.stringify(session));
}
