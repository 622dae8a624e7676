import { randomInt } from 'node:crypto';
import { runCampaign } from './campaign.ts';
import { faultsOf } from './invariants.ts';

const isLong = process.env['TEST_LONG'] === '1';

/**
 * The seed of this run; `CAMPAIGN_SEED` sets another one. `npm test` uses the same seed each time, so that an old race does not
 * make a new change fail. `npm run test:long` uses a new seed each time, so that it finds more races.
 */
export const seed = Number(process.env['CAMPAIGN_SEED'] ?? (isLong ? randomInt(2 ** 31) : 1));
const shown = 20;

/**
 * The test of a campaign.
 *
 * @param title begins with the rules that it proves.
 * @param operations the number of operations of all workers together, unless `CAMPAIGN_OPERATIONS` sets another one.
 */
export function testCampaign(title: string, operations: number): void {
  test(`${title} (CAMPAIGN_SEED=${seed})`, async () => {
    const chosen = Number(process.env['CAMPAIGN_OPERATIONS'] ?? operations);
    const repeat = `CAMPAIGN_SEED=${seed} CAMPAIGN_OPERATIONS=${chosen} npm test -- test/campaign`;
    if (isLong) console.info(`A campaign of ${chosen} operations; to run it again: ${repeat}`);
    const faults = await runCampaign({ seed, operations: chosen }, faultsOf);
    if (faults.length > 0) console.error(`${faults.length} faults; to run the campaign again: ${repeat}`);
    expect(faults.slice(0, shown)).toEqual([]);
  });
}
