import { liveThrough } from './live-through.ts';
import { seedsOf } from './seeds.ts';
import { withSetup } from './with-setup.ts';

const setup = withSetup();

test('[PR18] in many more random scenarios with bursts of frames, everybody comes to see what was sent last', async () => {
  const bursting = { ...setup(), bursts: true, name: `${setup().name}:bursts` };
  expect(await liveThrough(seedsOf('second'), bursting)).toEqual([]);
});
