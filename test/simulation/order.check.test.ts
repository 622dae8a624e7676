import { liveThrough } from './live-through.ts';
import { seedsOf } from './seeds.ts';
import { withSetup } from './with-setup.ts';

const setup = withSetup();

test('[PR18] in whatever order bursts of frames are handled, each client reaches the state that was sent last', async () => {
  const bursting = { ...setup(), bursts: true, name: `${setup().name}:bursts` };
  expect(await liveThrough(seedsOf('short'), bursting)).toEqual([]);
});

test('[PR5] a join that is handled before earlier leaves keeps the choice to be invisible, even if Redis lost its data', async () => {
  const bursting = { ...setup(), bursts: true, name: `${setup().name}:emptied` };
  expect(await liveThrough([425], bursting)).toEqual([]);
});
