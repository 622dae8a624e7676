import { runCampaign } from './campaign.ts';
import { varyingSeed as seed, testCampaign } from './campaign-tests.ts';
import { faultsOf } from './invariants.ts';
import { variantGroups } from './variants.ts';

testCampaign('[SE3] [SE9] [AC1] [AC3] [FA6] [PR9] [PR10] concurrent workers, of which some are killed, break no rule', {
  operations: 10_000,
  seed,
  script: 'test:long',
});

/** A race may not happen in one run. If three runs do not find it, the campaign cannot detect it. */
const tries = 3;

/** Deliberate mistakes that the campaign must find. They need some more minutes and run with `CAMPAIGN_VARIANTS=1`. */
const proved = process.env['CAMPAIGN_VARIANTS'] === '1' ? variantGroups : [];
const describeEach = proved.length > 0 ? describe.each(proved) : describe.skip.each(variantGroups);

describeEach('rules broken on purpose, about $about', ({ variants, ...size }) => {
  let unfound = variants;

  beforeAll(async () => {
    for (let attempt = 0; attempt < tries && unfound.length > 0; attempt++) {
      const mutations = unfound.flatMap((variant) => variant.mutations);
      const faults = await runCampaign({ seed: seed + attempt, mutations, ...size }, faultsOf);
      unfound = unfound.filter(({ fault }) => !faults.some((one) => fault.test(one)));
    }
  });

  test.each(variants)('the campaign finds the deliberate mistake: $name', (variant) => {
    expect(unfound).not.toContain(variant);
  });
});
