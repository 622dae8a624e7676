import { liveThrough } from './live-through.ts';
import { patienceFor, seedsOf } from './seeds.ts';
import { withUniverse } from './with-universe.ts';

const universe = withUniverse();

const seeds = seedsOf('second');

// The other half, in a file of its own, so that two workers share the work.
test(
  '[PR1][PR8][PR10][PR12][DE1][DE3][DE4][FA2][FA5] in other worlds, too, everybody comes to see the truth',
  async () => {
    expect(await liveThrough(seeds, universe())).toEqual([]);
  },
  patienceFor(seeds),
);
