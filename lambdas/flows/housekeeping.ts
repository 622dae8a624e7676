import { deactivateTimedOut } from '../presence/timeout.ts';
import { sweepActivity } from '../runtime/activity.ts';
import { sweepDatabase } from '../runtime/database.ts';
import { logFailure } from '../runtime/log-failure.ts';
import { timings } from '../runtime/timings.ts';
import { announceLiveness } from './announce-liveness.ts';
import { reconcilePlaces } from './reconcile-places.ts';
import { sessionCleanup } from './session-cleanup.ts';

/**
 * What is due once a minute whether or not anybody is present: sessions that expire soon or now, what fell silent, activity
 * that waits for PostgreSQL, and the seal of the audit trail.
 */
export async function keepHouse(): Promise<void> {
  await sessionCleanup().runExpiry();
  await checkLiveness();
  await attempt('Lost places could not be given back', () => reconcilePlaces(Date.now()));
  await attempt('The outbox could not be replayed', () => sweepActivity().replayOutbox());
  await attempt('The audit trail could not be sealed', () => sweepActivity().sealChains());
}

/** Deactivates sessions and machines that fell silent and tells their owners (rule LC6). */
export async function checkLiveness(): Promise<void> {
  const { livenessTimeoutMillis } = timings;
  const options = { pool: sweepDatabase(), emit: announceLiveness, livenessTimeoutMillis };
  await attempt('The liveness check failed', () => deactivateTimedOut(Date.now(), options));
}

/** Runs a step; a failure is logged, and keeps no other step from running. A service that is away is no error of ours. */
export async function attempt(failure: string, step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    logFailure(failure, error);
  }
}
