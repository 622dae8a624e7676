import { RollcallError } from '../../../protocol/errors.ts';
import type { TouchOutcome } from '../../presence/outcome.ts';
import type { Seat, Touch } from '../../presence/presence-store.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { sessionIdOf } from '../callers/session-ids.ts';
import { announce } from '../presence/announce.ts';
import { rememberData } from '../presence/remember-data.ts';
import { scheduleVisit } from '../scheduling/sweep-waker.ts';

/**
 * Records a frame of a connection and tells the others what it changed, with one round trip to Redis (rule PR14).
 *
 * A connection that Redis does not know is seated again from its membership: its user timed out and is back (rule PR11), or
 * Redis lost its data (rule FA2).
 *
 * @returns undefined if the connection left the session after it sent this frame (rule PR18).
 */
export async function signOfLife(
  services: Services,
  caller: Caller,
  sessionRef: string,
  touch: Touch,
): Promise<TouchOutcome | undefined> {
  const sessionId = await sessionIdOf(services, caller, sessionRef);
  const seat: Seat = { sessionId, userId: caller.userId, connectionId: caller.connectionId };
  const outcome = await seated(services, caller, seat, (now) => services.presence.touch(seat, touch, now)).catch(
    async (error) => {
      if (await isOvertakenByLeave(services, seat, touch, error)) return undefined;
      throw error;
    },
  );
  if (!outcome) return undefined;
  const { changedData } = outcome;
  await Promise.all([
    announce(services, sessionId, outcome),
    callSweep(services, seat, outcome),
    changedData && rememberData(services, seat, changedData),
  ]);
  return outcome;
}

/** Whether a frame was refused only because a leave that was sent later was served first. */
async function isOvertakenByLeave(
  services: Services,
  { connectionId, sessionId }: Seat,
  { turn }: Touch,
  error: unknown,
): Promise<boolean> {
  if (!turn || !(error instanceof RollcallError && error.code === 'NOT_IN_SESSION')) return false;
  return services.registry.hasLeftAfter(connectionId, sessionId, turn);
}

/** Runs a script for a seat, seating the connection again if Redis does not know it. */
export async function seated<T>(
  services: Services,
  caller: Caller,
  seat: Seat,
  script: (now: number) => Promise<T | undefined>,
): Promise<T> {
  const known = await script(services.clock());
  if (known) return known;
  // Loaded here, because nearly every frame finds its seat, and functions that start quickly serve these frames.
  const { returnToSession } = await import('../seating/return-to-session.ts');
  await returnToSession(services, caller, seat.sessionId);
  const returned = await script(services.clock());
  if (!returned) throw new RollcallError('NOT_IN_SESSION', 'You have left this session; join it again.');
  return returned;
}

/** Another user of the session is overdue: makes the sweep record and announce their leave. */
async function callSweep(services: Services, seat: Seat, outcome: TouchOutcome): Promise<void> {
  if (outcome.overdue) await scheduleVisit(services, seat.sessionId, services.clock());
}
