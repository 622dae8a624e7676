import { liveThrough } from './live-through.ts';
import { seedsOf } from './seeds.ts';
import { withUniverse } from './with-universe.ts';

const universe = withUniverse();

test('[PR18] in many more random scenarios with bursts of frames, everybody comes to see what was sent last', async () => {
  const bursting = { ...universe(), bursts: true, name: `${universe().name}:bursts` };
  expect(await liveThrough(seedsOf('second'), bursting)).toEqual([]);
});
