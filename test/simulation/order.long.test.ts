import { liveThrough } from './live-through.ts';
import { profiles } from './profile.ts';
import { runSeeds } from './run-world.ts';
import { seedsOf } from './seeds.ts';
import { withUniverse } from './with-universe.ts';

const universe = withUniverse();

test('[PR18] in many random scenarios with bursts of frames, each client reaches the state that was sent last', async () => {
  const bursting = { ...universe(), bursts: true, name: `${universe().name}:bursts` };
  expect(await liveThrough([...seedsOf('first'), ...seedsOf('second')], bursting)).toEqual([]);
});

test('[PR18] the simulation notices that the order of joins and leaves is ignored', async () => {
  const change = { find: 'if isOutdated(key, version) then return true end', replace: '' };
  const changed = { ...universe(), bursts: true, changes: [change], name: `${universe().name}:ignored` };
  // The connection table already orders most of them, so few scenarios show it.
  const seeds = Array.from({ length: 3000 }, (_, index) => index);
  const [caught] = await runSeeds(seeds, changed, { atATime: profiles.length });
  expect(universe().book.isApplied(change)).toBe(true);
  expect(caught?.violations.filter((text) => text.startsWith('[FA6]'))).toEqual([]);
});
