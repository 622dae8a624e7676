import { clientProfiles } from './client-profile.ts';
import { longSeeds, shortSeeds } from './client-seeds.ts';
import { withClientSetup } from './client-setup.ts';
import { liveThroughClients } from './run-client-seeds.ts';
import { runClientWorld } from './run-client-world.ts';

const setup = withClientSetup();

test('[rows 1-20] in some random scenarios with the real client, each list is correct, no leave is false and each promise settles', async () => {
  expect(await liveThroughClients(shortSeeds(), setup())).toEqual([]);
});

test.each(['emptied Redis', 'everything'])(
  'the same seed gives the same run of the kind "%s" each time',
  async (kind) => {
    const seed = clientProfiles.findIndex(({ name }) => name === kind);
    const tell = async (name: string) => {
      const { trace } = await runClientWorld(seed, { ...setup(), name }, { told: true });
      return trace.replaceAll(/"epoch":"[0-9a-f]{12}"|gets c[0-9a-f]{4}|"rolloverSeconds":\d+/g, '');
    };
    expect(await tell('first')).toBe(await tell('second'));
  },
);

test('a short run has each kind of scenario twice, unless it is told its seed', () => {
  expect(shortSeeds({}).length).toBeGreaterThanOrEqual(2 * clientProfiles.length);
  expect(shortSeeds({ SIMULATION_SEED: '411' })).toEqual([411]);
});

test('the two parts of a long run have 1,000 seeds, leave none out and share none', () => {
  const seedsIn = (environment: NodeJS.ProcessEnv) =>
    [...longSeeds('even', environment), ...longSeeds('odd', environment)].flat().toSorted((one, other) => one - other);
  expect(seedsIn({})).toEqual(Array.from({ length: 1000 }, (_, seed) => seed));
  const some = { SIMULATION_FROM: '10', SIMULATION_SEEDS: '120' };
  expect(longSeeds('odd', some)).toEqual([Array.from({ length: 50 }, (_, seed) => 60 + seed)]);
  expect(seedsIn(some)).toEqual(Array.from({ length: 120 }, (_, seed) => 10 + seed));
});
