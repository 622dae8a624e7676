import { type Mistake, mistakes } from './mistakes.ts';
import { profileOf, profiles } from './profile.ts';
import { runSeeds } from './run-world.ts';
import type { TextChange } from './script-book.ts';
import { withSetup } from './with-setup.ts';
import type { World } from './world.ts';

/** Two files share the mistakes, so that they run in parallel: those that need at most this many worlds, and the rest. */
const fewWorlds = 200;

export const frequentMistakes = mistakes.filter(({ within }) => within <= fewWorlds);
export const rareMistakes = mistakes.filter(({ within }) => within > fewWorlds);

/** Whether a world reports this rule as broken. A world in which code failed does not count. */
export function showsBroken(rule: string): (world: Pick<World, 'violations'>) => boolean {
  const names = (text: string, id: string) => text.startsWith(`[${id}]`);
  return ({ violations }) =>
    violations.some((text) => names(text, rule)) && !violations.some((text) => names(text, 'FA6'));
}

/** The first seeds whose worlds are of a kind. */
function seedsOfKind(kind: string, count: number): number[] {
  const seeds: number[] = [];
  for (let seed = 0; seeds.length < count; seed += 1) if (profileOf(seed).name.includes(kind)) seeds.push(seed);
  return seeds;
}

/** Tests that the simulation reports the rule that each mistake breaks. */
export function testMistakes(some: readonly Mistake[]): void {
  const setup = withSetup();
  test.each(some)('$breaks is reported as broken if $mistake, within $within scenarios', async (change) => {
    const { within, breaks, kind = '' } = change;
    const name = `${setup().name}:${mistakes.indexOf(change)}`;
    const seeds = seedsOfKind(kind, within);
    const options = { atATime: profiles.length, counts: showsBroken(breaks) };
    const [caught] = await runSeeds(seeds, { ...setup(), changes: [change], name }, options);
    expect(setup().book.isApplied(change)).toBe(true);
    expect(caught).toBeDefined();
  });
}

/** Tests that a script that fails counts for none of the mistakes, although it breaks many rules. */
export function testFailingScript(change: TextChange): void {
  const setup = withSetup();
  test('a script that raises an error does not pass for any mistake', async () => {
    const changed = { ...setup(), changes: [change], name: `${setup().name}:failing` };
    const seeds = profiles.map((_, seed) => seed);
    const [first, ...others] = await runSeeds(seeds, changed, { enough: seeds.length });
    expect(setup().book.isApplied(change)).toBe(true);
    const worlds = [first!, ...others];
    expect(worlds.flatMap(({ violations }) => violations).some((text) => !text.startsWith('[FA6]'))).toBe(true);
    const passing = mistakes.filter(({ breaks }) => worlds.some(showsBroken(breaks)));
    expect(passing.map(({ mistake }) => mistake)).toEqual([]);
  });
}
