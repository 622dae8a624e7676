import { clientProfiles } from './client-profile.ts';
import { clientSeeds } from './client-seeds.ts';
import { withClientUniverse } from './client-universe.ts';
import { liveThroughClients } from './run-client-seeds.ts';
import { runClientWorld } from './run-client-world.ts';

const universe = withClientUniverse();

test('[rows 1-20] in some random scenarios with the real client, each list is correct, no leave is false and each promise settles', async () => {
  expect(await liveThroughClients(clientSeeds(), universe())).toEqual([]);
});

test('the same seed gives the same run each time', async () => {
  const tell = async (name: string) => {
    const { trace } = await runClientWorld(clientProfiles.length - 1, { ...universe(), name }, { told: true });
    return trace.replaceAll(/"epoch":"[0-9a-f]{12}"|gets c[0-9a-f]{4}|"rolloverSeconds":\d+/g, '');
  };
  expect(await tell('first')).toBe(await tell('second'));
});

test('a run has each kind of scenario twice, unless it is told its seeds', () => {
  expect(clientSeeds({}).length).toBeGreaterThanOrEqual(2 * clientProfiles.length);
  expect(clientSeeds({ SIMULATION_SEEDS: '3' })).toEqual([0, 1, 2]);
  expect(clientSeeds({ SIMULATION_SEED: '411' })).toEqual([411]);
});
