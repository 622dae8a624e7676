import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { ChainVerifier } from '../../lambdas/activity/chain-verifier.ts';
import { timeLimits } from '../support/time-limits.ts';
import type { Crowd } from './crowd.ts';
import type { Venue } from './venue.ts';

/** What a drill measured. Times are in milliseconds. */
export interface Outcome {
  /** Confirmed activities, and those of them that are gone. */
  confirmed: number;
  lost: number;
  /** From the last activity that is kept to the failure; 0 if nothing is lost. */
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
export async function missingIn(pool: Pool, crowd: Crowd): Promise<Set<string>> {
  const ids = crowd.confirmed.map(({ activityId }) => activityId);
  const { rows } = await pool.query<{ id: string }>('SELECT id FROM activity_log WHERE id = ANY ($1)', [ids]);
  const present = new Set(rows.map(({ id }) => id));
  return new Set(ids.filter((id) => !present.has(id)));
}

/**
 * Ends the traffic, waits until the outbox is written and all links are made, and checks what is left.
 *
 * @param failedAt when the store failed, in Unix milliseconds.
 * @param lost the activities that are gone with it.
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
    for (;;) {
      await venue.stack.fireSchedule('CleanupSweep');
      const missing = [...(await missingIn(pool, crowd))].filter((id) => !lost.has(id));
      const { rows } = await pool.query<{ waiting: number }>('SELECT count(*)::int AS waiting FROM activity_unsealed');
      if (missing.length === 0 && rows[0]!.waiting === 0) break;
      if (Date.now() > until) throw new Error(`Not written: ${missing.length}; not sealed: ${rows[0]!.waiting}.`);
      await pause(100);
    }
    const verifier = new ChainVerifier(pool);
    const chains = await Promise.all((await verifier.sessionIds()).map((id) => verifier.verify(id)));
    const left = await pool.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM activity_log WHERE activity_type = 'user_left'`,
    );
    const kept = crowd.confirmed.filter(({ activityId, sent }) => !lost.has(activityId) && sent <= failedAt);
    return {
      ...{ confirmed: crowd.confirmed.length, lost: lost.size },
      lossWindow: lost.size === 0 ? 0 : failedAt - Math.max(...kept.map((each) => each.confirmed)),
      recovery,
      wrongLeaves: crowd.falseLeaves() + left.rows[0]!.count,
      sessions: chains.length,
      brokenChains: chains.filter(({ valid }) => !valid).length,
      repeated: Object.fromEntries(crowd.repeated),
    };
  });
}
