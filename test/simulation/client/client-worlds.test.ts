import { clientProfiles } from './client-profile.ts';
import { clientSeedsOf } from './client-seeds.ts';
import { withClientUniverse } from './client-universe.ts';
import { liveThroughClients } from './run-client-seeds.ts';
import { runClientWorld } from './run-client-world.ts';

const universe = withClientUniverse();

test('[rows 1-20] in some random scenarios with the real client, each list is correct, no leave is false and each promise settles', async () => {
  expect(await liveThroughClients(clientSeedsOf('short'), universe())).toEqual([]);
});

test('the same seed gives the same run each time', async () => {
  const tell = async (name: string) => {
    const { trace } = await runClientWorld(clientProfiles.length - 1, { ...universe(), name }, { told: true });
    return trace.replaceAll(/"epoch":"[0-9a-f]{12}"|gets c[0-9a-f]{4}|"rolloverSeconds":\d+/g, '');
  };
  expect(await tell('first')).toBe(await tell('second'));
});

test('the two halves of the seeds leave none out and share none, and the short run has each kind', () => {
  const environment = { SIMULATION_SEEDS: '7' };
  expect([...clientSeedsOf('first', environment), ...clientSeedsOf('second', environment)]).toEqual([
    0, 1, 2, 3, 4, 5, 6,
  ]);
  expect([...clientSeedsOf('first', {}), ...clientSeedsOf('second', {})]).toHaveLength(1000);
  expect(clientSeedsOf('short', {}).length).toBeGreaterThanOrEqual(2 * clientProfiles.length);
});
