import { checkLiveness, keepHouse } from './flows/housekeeping.ts';
import { writeSightings } from './flows/sightings.ts';
import { visitDueSessions } from './flows/visit-sessions.ts';
import { deadlines } from './runtime/presence.ts';
import { type SweepTime, sweep } from './runtime/sweep.ts';
import { holdLease, releaseLease } from './runtime/sweep-lease.ts';
import { timings } from './runtime/timings.ts';

/** A schedule fires once a minute; inside it the sweep looks this often, for as long as anybody is present. */
const tickMillis = Math.min(1000, Math.max(100, timings.offlineAfterMillis / 10));
/** Where liveness was made shorter than a minute, it is looked at within the minute, too. */
const quickLiveness = timings.livenessTimeoutMillis < 60_000;

/**
 * Schedule `timeout-sweep`: announces who timed out or did not come back, once a second while anybody is present; it ends
 * at once when nobody is. First it does what is due once a minute.
 */
export const handler = sweep('timeout', async (time: SweepTime) => {
  if (!(await holdLease())) return;
  const housekeeping = keepHouse();
  await visitWhilePresent(time);
  await housekeeping;
});

async function visitWhilePresent(time: SweepTime): Promise<void> {
  while (time.remaining() > tickMillis) {
    if (!(await holdLease())) return;
    const started = Date.now();
    await writeSightings(await visitDueSessions(started));
    if (quickLiveness) await checkLiveness();
    else if (!(await anybodyPresent())) return;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, started + tickMillis - Date.now())));
  }
  await releaseLease();
}

/** Gives the lease back where nobody is, and looks again: who came in between trusted the lease they saw. */
async function anybodyPresent(): Promise<boolean> {
  if ((await deadlines().size()) > 0) return true;
  await releaseLease();
  return (await deadlines().size()) > 0;
}
