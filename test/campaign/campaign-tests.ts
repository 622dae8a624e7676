import { randomInt } from 'node:crypto';
import { runCampaign } from './campaign.ts';
import { faultsOf } from './invariants.ts';

const shown = 20;
const chosenSeed = process.env['CAMPAIGN_SEED'];

/** The seed of a run that shall find more races: another one each time, unless `CAMPAIGN_SEED` sets one. */
export const varyingSeed = Number(chosenSeed ?? randomInt(2 ** 31));

/** The seed of a run that shall not fail a change because of an old race: 1, unless `CAMPAIGN_SEED` sets one. */
export const fixedSeed = Number(chosenSeed ?? 1);

interface CampaignSize {
  /** The number of operations of all workers together, unless `CAMPAIGN_OPERATIONS` sets another one. */
  operations: number;
  seed: number;
  /** The npm script that runs the test. */
  script: 'test:check' | 'test:long';
}

/**
 * The test of a campaign.
 *
 * @param title begins with the rules that it proves.
 */
export function testCampaign(title: string, { operations, seed, script }: CampaignSize): void {
  test(`${title} (CAMPAIGN_SEED=${seed})`, async () => {
    const chosen = Number(process.env['CAMPAIGN_OPERATIONS'] ?? operations);
    const repeat = `CAMPAIGN_SEED=${seed} CAMPAIGN_OPERATIONS=${chosen} npm run ${script} -- test/campaign`;
    if (seed !== fixedSeed) console.info(`A campaign of ${chosen} operations; to run it again: ${repeat}`);
    const faults = await runCampaign({ seed, operations: chosen }, faultsOf);
    if (faults.length > 0) console.error(`${faults.length} faults; to run the campaign again: ${repeat}`);
    expect(faults.slice(0, shown)).toEqual([]);
  });
}
