import type { Session } from '../../../protocol/entities.ts';
import { RollcallError } from '../../../protocol/errors.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import type { Services } from '../../services/services.ts';
import { authorizeCaller } from '../callers/authorize-caller.ts';
import type { Caller } from '../callers/caller.ts';
import { snapshotFor } from './snapshot.ts';

/** Whether a connection is in a session, as the answer to a join or to a leave. */
export type PresentState = ServerFrame<'session_joined'> | ServerFrame<'session_left'>;

/**
 * The answer to a join or leave that a later frame of its connection has overtaken (rule PR18): what is true now, whatever
 * the frame asked for.
 */
export async function presentState(services: Services, caller: Caller, sessionId: string): Promise<PresentState> {
  const membership = await services.registry.membership(caller.connectionId, sessionId);
  if (!membership) return { type: 'session_left', sessionId };
  try {
    const { session } = await authorizeCaller(services, caller, sessionId, 'view');
    const { sessionId: _, ...state } = await snapshotFor(services, caller, sessionId, bytesOf(session));
    return { type: 'session_joined', session, role: membership.role, ...state };
  } catch (error) {
    // It left, or was taken out, in between.
    if (error instanceof RollcallError && error.code === 'NOT_IN_SESSION') return { type: 'session_left', sessionId };
    throw error;
  }
}

/** What a session takes in a frame, in bytes. */
export function bytesOf(session: Session): number {
  return Buffer.byteLength(JSON.stringify(session));
}
