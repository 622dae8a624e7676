import { showsBroken } from './mistake-tests.ts';
import { ignoredOrders, ignoredVersions } from './order-mistakes.ts';
import { profiles } from './profile.ts';
import { runSeeds } from './run-world.ts';
import { withSetup } from './with-setup.ts';

const setup = withSetup();

/** Each of these mistakes is noticed in one of these scenarios. */
const seeds = Array.from({ length: 220 }, (_, index) => index);

test.each(ignoredOrders)('[PR18] $breaks is reported as broken if $mistake', async (change) => {
  const { breaks } = change;
  const name = `${setup().name}:ignored:${ignoredOrders.indexOf(change)}`;
  const changed = { ...setup(), bursts: true, changes: [change], name };
  const [caught] = await runSeeds(seeds, changed, { atATime: profiles.length, counts: showsBroken(breaks) });
  expect(setup().book.isApplied(change)).toBe(true);
  expect(caught).toBeDefined();
});

test('[PR18] the simulation notices that the order of joins and leaves is ignored', async () => {
  const changed = { ...setup(), bursts: true, changes: [ignoredVersions], name: `${setup().name}:ignored` };
  // The connection table already orders most of them, so few scenarios show it.
  const seeds = Array.from({ length: 3000 }, (_, index) => index);
  const [caught] = await runSeeds(seeds, changed, { atATime: profiles.length });
  expect(setup().book.isApplied(ignoredVersions)).toBe(true);
  expect(caught?.violations.filter((text) => text.startsWith('[FA6]'))).toEqual([]);
});
