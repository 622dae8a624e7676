import { sweep } from '../adapters/sweep.ts';
import type { SweepTime } from '../flows/scheduling/sweep-run.ts';
import { sessionCleanup } from '../flows/sessions/session-cleanup.ts';
import { attempt, keepHouse } from '../flows/sweep/housekeeping.ts';
import { timings } from '../platform/timings.ts';
import { sweepActivity } from '../services/activity.ts';

const minuteMillis = 60_000;

/** Schedule `cleanup-sweep`: warns, expires, purges; replays the outbox, seals the audit trail and ends old entries. */
export const handler = sweep('cleanup', async (time: SweepTime) => {
  const ends = Date.now() + minuteMillis;
  const interval = timings.cleanupIntervalMillis;
  // A schedule fires once a minute at most: a shorter interval is kept inside its minute.
  do {
    const started = Date.now();
    await tidy();
    const wait = started + interval - Date.now();
    if (interval >= minuteMillis || Date.now() + wait >= ends || wait > time.remaining()) return;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
  } while (time.remaining() > 0);
});

async function tidy(): Promise<void> {
  await sessionCleanup().runCleanup();
  await keepHouse();
  await attempt('Old activity could not be removed', () => sweepActivity().removeExpired());
}
