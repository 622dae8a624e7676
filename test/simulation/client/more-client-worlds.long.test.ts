import { clientSeedsOf } from './client-seeds.ts';
import { withClientUniverse } from './client-universe.ts';
import { liveThroughClients } from './run-client-seeds.ts';

const universe = withClientUniverse();

test('[rows 1-20] in the second half of 1,000 random scenarios with the real client, lists are true, nobody leaves falsely and every promise settles', async () => {
  expect(await liveThroughClients(clientSeedsOf('second'), universe())).toEqual([]);
});
