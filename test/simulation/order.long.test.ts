import { liveThrough } from './live-through.ts';
import { seedsOf } from './seeds.ts';
import { withSetup } from './with-setup.ts';

const setup = withSetup();

test('[PR18] in many random scenarios with bursts of frames, each client reaches the state that was sent last', async () => {
  const bursting = { ...setup(), bursts: true, name: `${setup().name}:bursts` };
  expect(await liveThrough(seedsOf('first'), bursting)).toEqual([]);
});
