import { longSeeds } from './client-seeds.ts';
import { withClientSetup } from './client-setup.ts';
import { liveThroughClients } from './run-client-seeds.ts';

/** Tests every second group of the seeds of a long run, and writes a line for each group. */
export function testClientWorlds(part: 'even' | 'odd'): void {
  const setup = withClientSetup();
  const groups = longSeeds(part).map((seeds) => ({ seeds, first: seeds[0]!, last: seeds.at(-1)! }));

  test.each(groups)(
    '[rows 1-20] in the scenarios $first to $last with the real client, each list is correct, no leave is false and each promise settles',
    async ({ seeds, first, last }) => {
      const start = performance.now();
      const failures = await liveThroughClients(seeds, setup());
      const result = failures.length === 0 ? 'no violation' : 'VIOLATIONS';
      const seconds = Math.round((performance.now() - start) / 1000);
      process.stderr.write(`client scenarios ${first} to ${last}: ${result} (${seconds} s)\n`);
      expect(failures).toEqual([]);
    },
  );
}
