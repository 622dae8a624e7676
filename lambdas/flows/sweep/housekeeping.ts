import { deactivateTimedOut } from '../../liveness/timeout.ts';
import { sweepDatabase } from '../../platform/database.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { timings } from '../../platform/timings.ts';
import { sweepActivity } from '../../services/activity.ts';
import { announceLiveness } from '../liveness/announce-liveness.ts';
import { sessionCleanup } from '../sessions/session-cleanup.ts';
import { reconcilePlaces } from './reconcile-places.ts';

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
