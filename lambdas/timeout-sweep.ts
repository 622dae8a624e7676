import { writeSightings } from './flows/sightings.ts';
import { visitDueSessions } from './flows/visit-sessions.ts';
import { deadlines } from './runtime/presence.ts';
import { type SweepTime, sweep } from './runtime/sweep.ts';
import { holdLease, releaseLease } from './runtime/sweep-lease.ts';
import { timings } from './runtime/timings.ts';

/** A schedule fires once a minute; inside it the sweep looks this often, for as long as anybody is present. */
const tickMillis = Math.min(1000, Math.max(100, timings.offlineAfterMillis / 10));

/** Schedule `timeout-sweep`: announces who timed out or did not come back, and ends at once when nobody is present. */
export const handler = sweep('timeout', async (time: SweepTime) => {
  while (time.remaining() > tickMillis) {
    if (!(await holdLease())) return;
    const started = Date.now();
    await writeSightings(await visitDueSessions(started));
    if ((await deadlines().size()) === 0) {
      await releaseLease();
      // Somebody may have come between the count and the release, and trusted the lease they saw.
      if ((await deadlines().size()) === 0) return;
      continue;
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + tickMillis - Date.now())));
  }
  await releaseLease();
});
