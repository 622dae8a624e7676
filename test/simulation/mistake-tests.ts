import { type Mistake, mistakes } from './mistakes.ts';
import { profiles } from './profile.ts';
import { runSeeds } from './run-world.ts';
import { withUniverse } from './with-universe.ts';
import type { World } from './world.ts';

/** Above so many worlds a mistake is looked for in `npm run test:long`. */
const shortRun = 200;

export const quickMistakes = mistakes.filter(({ within }) => within <= shortRun);
export const rareMistakes = mistakes.filter(({ within }) => within > shortRun);

/** A test for each mistake: the simulation has to see the rule broken that the mistake names. */
export function testMistakes(some: readonly Mistake[]): void {
  const universe = withUniverse();
  test.each(some)('[$breaks] breaks where $mistake, within $within scenarios', async (change) => {
    const changed = { ...universe(), changes: [change], name: `${universe().name}:${mistakes.indexOf(change)}` };
    const seeds = Array.from({ length: change.within }, (_, index) => index);
    const breaksRule = ({ violations }: World) => violations.some((text) => text.startsWith(`[${change.breaks}]`));
    const [caught] = await runSeeds(seeds, changed, { atATime: profiles.length, counts: breaksRule });
    expect(universe().book.isApplied(change)).toBe(true);
    expect(caught).toBeDefined();
  });
}
