import { describeFailure, liveThrough } from './live-through.ts';
import { profileOf, profiles } from './profile.ts';
import { runWorld } from './run-world.ts';
import { seedsOf } from './seeds.ts';
import { withSetup } from './with-setup.ts';

const setup = withSetup();

test('[PR1][PR8][PR10][PR12][DE1][DE3][DE4][FA2][FA5] in random scenarios of each kind, every client reaches the true state', async () => {
  expect(await liveThrough(seedsOf('short'), setup())).toEqual([]);
});

test('the same seed gives the same run each time', async () => {
  for (let seed = 0; seed < profiles.length; seed += 1) {
    const first = await runWorld(seed, { ...setup(), name: 'first' }, { told: true });
    const second = await runWorld(seed, { ...setup(), name: 'second' }, { told: true });
    const withoutEpochs = (trace: string) => trace.replaceAll(/[0-9a-f]{12}/g, '');
    expect(withoutEpochs(first.trace)).toBe(withoutEpochs(second.trace));
  }
});

test('a failed scenario is reported with its seed, its kind and the command that repeats it', () => {
  const named = describeFailure({ seed: 931, profile: profileOf(931), violations: ['[DE3] stranded'], bursts: false });
  expect(named).toContain('seed 931');
  expect(named).toContain(`"${profileOf(931).name}"`);
  expect(named).toContain('SIMULATION_SEED=931 npm run test:check -- test/simulation/worlds');
  expect(named).toContain('[DE3] stranded');
});

test('the two halves of the seeds leave none out and share none', () => {
  const environment = { SIMULATION_SEEDS: '7', SIMULATION_FROM: '10' };
  expect([...seedsOf('first', environment), ...seedsOf('second', environment)]).toEqual([10, 11, 12, 13, 14, 15, 16]);
  expect([...seedsOf('first', {}), ...seedsOf('second', {})]).toHaveLength(1000);
  expect(new Set(seedsOf('short', {}).map((seed) => profileOf(seed).name)).size).toBe(profiles.length);
});
