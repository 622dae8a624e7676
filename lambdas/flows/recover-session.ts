import type { Session } from '../../protocol/entities.ts';
import { sessionRecovered } from '../activity/activity-events.ts';
import type { Caller } from '../runtime/caller.ts';
import { actorOf } from './audit.ts';
import { decide } from './decide.ts';

/** Brings an expired session back on behalf of its owner; one that is active anyway is only answered (rule SE6). */
export function recoverSession(caller: Caller, sessionRef: string): Promise<Session> {
  return decide(async ({ sessions, audit }) => {
    const { session, recovered } = await sessions.recoverSession(sessionRef, caller.userId);
    if (recovered) await audit(sessionRecovered(actorOf(caller, session.id)));
    return session;
  });
}
