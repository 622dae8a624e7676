import { liveThrough } from './live-through.ts';
import { seedsOf } from './seeds.ts';
import { withSetup } from './with-setup.ts';

const setup = withSetup();

test('[PR1][PR8][PR10][PR12][DE1][DE3][DE4][FA2][FA5] in the first half of many random scenarios, every client reaches the true state', async () => {
  expect(await liveThrough(seedsOf('first'), setup())).toEqual([]);
});
