import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { ChainVerifier } from '../../lambdas/activity/chain-verifier.ts';
import { timeLimits } from '../support/time-limits.ts';
import type { Confirmed, Crowd } from './crowd.ts';
import type { Venue } from './venue.ts';

/** What a drill measured. Times are in milliseconds. */
export interface Outcome {
  /** Confirmed activities, and those of them that are lost. */
  confirmed: number;
  lost: number;
  /** From the first confirmation of a lost activity to the failure; 0 if nothing is lost. */
  lossWindow: number;
  /** From the failure until confirmations, joins and views work again, as far as the drill measures them. */
  recovery: Record<string, number>;
  /** Leaves that users were told or that are recorded, although nobody left. */
  wrongLeaves: number;
  sessions: number;
  brokenChains: number;
  /** Requests that had to be repeated, by the answer. */
  repeated: Record<string, number>;
}

/** The confirmed activities that PostgreSQL does not have. */
async function missingIn(pool: Pool, { confirmed }: Crowd): Promise<Confirmed[]> {
  const ids = confirmed.map(({ activityId }) => activityId);
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM activity_log WHERE id = ANY ($1)', [ids]);
  const present = new Set(rows.map(({ id }) => id));
  return confirmed.filter(({ activityId }) => !present.has(activityId));
}

/**
 * Ends the traffic, waits until the outbox is written and all links are made, and checks what is left.
 *
 * @param failedAt when the store failed, in Unix milliseconds.
 * @param lost the activities that may be gone with it. If the outbox has one of them as well, it comes back.
 */
export async function conclude(
  venue: Venue,
  crowd: Crowd,
  measured: { recovery: Record<string, number>; failedAt: number; lost?: ReadonlySet<string> },
): Promise<Outcome> {
  const { failedAt, recovery, lost = new Set() } = measured;
  recovery['everybody is seen'] = await crowd.allSeen();
  await crowd.stop();
  return venue.asOwner(async (pool) => {
    const until = Date.now() + timeLimits.event;
    let missing: Confirmed[];
    for (;;) {
      await venue.stack.fireSchedule('CleanupSweep');
      missing = await missingIn(pool, crowd);
      const wrong = missing.filter(({ activityId }) => !lost.has(activityId));
      const { rows } = await pool.query<{ waiting: number }>('SELECT count(*)::int AS waiting FROM activity_unsealed');
      if (wrong.length === 0 && rows[0]!.waiting === 0) break;
      if (Date.now() > until) throw new Error(unfinished(wrong, failedAt, rows[0]!.waiting));
      await pause(100);
    }
    const verifier = new ChainVerifier(pool);
    const chains = await Promise.all((await verifier.sessionIds()).map((id) => verifier.verify(id)));
    const left = await pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM activity_log WHERE activity_type = 'user_left'`,
    );
    return {
      ...{ confirmed: crowd.confirmed.length, lost: missing.length },
      lossWindow: missing.length === 0 ? 0 : failedAt - Math.min(...missing.map((each) => each.confirmed)),
      recovery,
      wrongLeaves: crowd.falseLeaves() + left.rows[0]!.count,
      sessions: chains.length,
      brokenChains: chains.filter(({ valid }) => !valid).length,
      repeated: Object.fromEntries(crowd.repeated),
    };
  });
}

/** Says which activities are not written, with their times from the failure. */
function unfinished(missing: readonly Confirmed[], failedAt: number, unsealed: number): string {
  const each = missing.map(
    ({ activityId, sent, confirmed }) =>
      `${activityId} (sent at ${sent - failedAt} ms, confirmed at ${confirmed - failedAt} ms)`,
  );
  return `Not written: ${each.join(', ') || 'none'}; not sealed: ${unsealed}.`;
}
