import { mistakes } from './mistakes.ts';
import { profiles } from './profile.ts';
import { runSeeds } from './run-world.ts';
import { withUniverse } from './with-universe.ts';

const universe = withUniverse();

test.each(mistakes)(
  'it is noticed where $mistake, within $within worlds',
  async (change) => {
    const changed = { ...universe(), changes: [change], name: `${universe().name}:${mistakes.indexOf(change)}` };
    const seeds = Array.from({ length: change.within }, (_, index) => index);
    const [caught] = await runSeeds(seeds, changed, 1, profiles.length);
    expect(universe().book.isApplied(change)).toBe(true);
    expect(caught?.violations.length ?? 0).toBeGreaterThan(0);
  },
  240_000,
);
