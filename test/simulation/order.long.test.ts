import { liveThrough } from './live-through.ts';
import { seedsOf } from './seeds.ts';
import { withUniverse } from './with-universe.ts';

const universe = withUniverse();

test('[PR18] in many random scenarios with bursts of frames, each client reaches the state that was sent last', async () => {
  const bursting = { ...universe(), bursts: true, name: `${universe().name}:bursts` };
  expect(await liveThrough(seedsOf('first'), bursting)).toEqual([]);
});
