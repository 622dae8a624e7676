import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import type { SlotRelease } from '../../lambdas/sessions/release-slots.ts';

type Double = (...given: never[]) => unknown;
const call = (double: Double, ...given: unknown[]) => (double as (...given: unknown[]) => unknown)(...given);

/** Adapts a test double of the audit trail with single calls to the bulk interface. */
export function trailOneByOne(doubles: { logActivity: Double; lastMovement: Double }) {
  return {
    ...doubles,
    lastMovements: (queries: { sessionId: string; userId: string; until?: number }[]) =>
      Promise.all(queries.map(({ sessionId, userId, until }) => call(doubles.lastMovement, sessionId, userId, until))),
    logActivities: (entries: ActivityParams[]) =>
      Promise.all(
        entries.map(({ sessionId, userId, type, details, ...context }) =>
          call(doubles.logActivity, sessionId, userId, type, details, context),
        ),
      ),
  };
}

/** The same adapter for slots. */
export function slotsOneByOne<T extends { leaveSession: Double }>(doubles: T) {
  return {
    ...doubles,
    releaseSlots: (leaves: SlotRelease[]) =>
      Promise.all(
        leaves.map(({ sessionId, personId, cause, joinedUntil }) =>
          call(doubles.leaveSession, sessionId, personId, cause, { joinedUntil }),
        ),
      ),
  };
}
