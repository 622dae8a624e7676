import { runCampaign } from './campaign.ts';
import { faultsOf } from './invariants.ts';

/**
 * The seed of this run; `CAMPAIGN_SEED` gives another one. It is the same in each run, so that a change is not blamed for a race
 * that was there before.
 */
export const seed = Number(process.env['CAMPAIGN_SEED'] ?? 1);
const shown = 20;

/**
 * The test of a campaign.
 *
 * @param title begins with the rules that it proves.
 * @param operations how many, in all workers together, unless `CAMPAIGN_OPERATIONS` says otherwise.
 */
export function testCampaign(title: string, operations: number): void {
  test(`${title} (CAMPAIGN_SEED=${seed})`, async () => {
    const chosen = Number(process.env['CAMPAIGN_OPERATIONS'] ?? operations);
    const faults = await runCampaign({ seed, operations: chosen }, faultsOf);
    if (faults.length > 0) console.error(`${faults.length} faults; run it again with CAMPAIGN_SEED=${seed}`);
    expect(faults.slice(0, shown)).toEqual([]);
  });
}
