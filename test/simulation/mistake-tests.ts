import { type Mistake, mistakes } from './mistakes.ts';
import { profileOf, profiles } from './profile.ts';
import { runSeeds } from './run-world.ts';
import { withUniverse } from './with-universe.ts';

/** Above so many worlds a mistake is looked for in `npm run test:long`. */
const shortRun = 200;

export const quickMistakes = mistakes.filter(({ within }) => within <= shortRun);
export const rareMistakes = mistakes.filter(({ within }) => within > shortRun);

/** A test for each mistake: the simulation has to notice it. */
export function testMistakes(some: readonly Mistake[]): void {
  const universe = withUniverse();
  test.each(some)('the simulation notices that $mistake, within $within scenarios', async (change) => {
    const changed = { ...universe(), changes: [change], name: `${universe().name}:${mistakes.indexOf(change)}` };
    const [caught] = await runSeeds(seedsFor(change), changed, 1, profiles.length);
    expect(universe().book.isApplied(change)).toBe(true);
    expect(caught?.violations.length ?? 0).toBeGreaterThan(0);
  });
}

/** The first seeds whose worlds are of a kind in which the mistake can show. */
function seedsFor({ within, isPossible = () => true }: Mistake): number[] {
  const seeds: number[] = [];
  for (let seed = 0; seeds.length < within; seed += 1) if (isPossible(profileOf(seed))) seeds.push(seed);
  return seeds;
}
