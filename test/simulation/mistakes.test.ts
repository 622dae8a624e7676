import { mistakes } from './mistakes.ts';
import { profiles } from './profile.ts';
import { runSeeds } from './run-world.ts';
import { withUniverse } from './with-universe.ts';
import type { World } from './world.ts';

const universe = withUniverse();

test.each(mistakes)(
  '[$breaks] breaks where $mistake, within $within worlds',
  async (change) => {
    const changed = { ...universe(), changes: [change], name: `${universe().name}:${mistakes.indexOf(change)}` };
    const seeds = Array.from({ length: change.within }, (_, index) => index);
    const breaksRule = ({ violations }: World) => violations.some((text) => text.startsWith(`[${change.breaks}]`));
    const [caught] = await runSeeds(seeds, changed, { atATime: profiles.length, counts: breaksRule });
    expect(universe().book.isApplied(change)).toBe(true);
    expect(caught).toBeDefined();
  },
  240_000,
);
