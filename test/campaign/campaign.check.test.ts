import { fixedSeed, testCampaign } from './campaign-tests.ts';

testCampaign('[SE3] [SE9] [AC1] [AC3] [FA6] [PR9] [PR10] concurrent workers, of which some are killed, break no rule', {
  operations: 500,
  seed: fixedSeed,
  script: 'test:check',
});
