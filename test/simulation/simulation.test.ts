import { Redis } from 'ioredis';
import { testAddresses } from '../support/addresses.ts';
import { installVirtualTime } from './context.ts';
import { mistakes } from './mistakes.ts';
import { losesMemory, profiles } from './profile.ts';
import { runSeeds, runWorld } from './run-world.ts';
import { ScriptBook } from './script-book.ts';
import { makeUniverse } from './universe.ts';
import type { Universe } from './world.ts';

jest.mock('../../lambdas/runtime/redis.ts', () => jest.requireActual('./runtime-stand-ins.ts').redisModule);
jest.mock('../../lambdas/runtime/presence.ts', () => jest.requireActual('./runtime-stand-ins.ts').presenceModule);
jest.mock('../../lambdas/runtime/registry.ts', () => jest.requireActual('./runtime-stand-ins.ts').registryModule);
jest.mock('../../lambdas/runtime/delivery.ts', () => jest.requireActual('./runtime-stand-ins.ts').deliveryModule);
jest.mock('../../lambdas/runtime/sessions.ts', () => jest.requireActual('./runtime-stand-ins.ts').sessionsModule);
jest.mock('../../lambdas/runtime/activity.ts', () => jest.requireActual('./runtime-stand-ins.ts').activityModule);
jest.mock('../../lambdas/runtime/rate-limit.ts', () => jest.requireActual('./runtime-stand-ins.ts').rateModule);
jest.mock('../../lambdas/runtime/log.ts', () => jest.requireActual('./runtime-stand-ins.ts').logModule);
jest.mock('../../lambdas/runtime/database.ts', () => jest.requireActual('./runtime-stand-ins.ts').databaseModule);
jest.mock(
  '../../lambdas/sessions/occupied-sessions.ts',
  () => jest.requireActual('./runtime-stand-ins.ts').occupiedModule,
);
jest.mock('../../lambdas/flows/housekeeping.ts', () => jest.requireActual('./runtime-stand-ins.ts').housekeepingModule);
jest.mock('../../lambdas/flows/sightings.ts', () => jest.requireActual('./runtime-stand-ins.ts').sightingsModule);
jest.mock('@aws-sdk/client-lambda', () => jest.requireActual('./runtime-stand-ins.ts').lambdaModule);

let redis: Redis;
let universe: Universe;
let restoreTime: () => void;

beforeAll(async () => {
  redis = new Redis(testAddresses.redis, { enableAutoPipelining: true });
  restoreTime = installVirtualTime();
  universe = await makeUniverse(redis, new ScriptBook(redis));
});
afterAll(async () => {
  restoreTime();
  await redis.quit();
});

const only = process.env['SIMULATION_SEED'];
const count = Number(process.env['SIMULATION_SEEDS'] ?? 600);
/** Worlds in which Redis loses keys or is away are held to the truth by hand: `SIMULATION_LOSSES=1`. */
const withLosses = process.env['SIMULATION_LOSSES'] === '1';

function seedsOf(number: number): number[] {
  const seeds: number[] = [];
  for (let seed = 0; seeds.length < number; seed += 1) if (withLosses || !losesMemory(seed)) seeds.push(seed);
  return seeds;
}

describe('presence and delivery in simulated worlds', () => {
  test('[PR1][PR8][PR10][PR12][DE1][DE3][DE4][FA5] whatever happens, everybody comes to see the truth', async () => {
    const seeds = only === undefined ? seedsOf(count) : [Number(only)];
    const [failed] = await runSeeds(seeds, universe);
    if (failed) {
      // The same seed is the same story, so only one that failed has to be told.
      const { seed, profile, violations, trace } = await runWorld(failed.seed, universe, { told: true });
      console.error(`SIMULATION_SEED=${seed} (${profile.name})\n${violations.join('\n')}\n\n${trace}`);
    }
    expect(failed?.violations ?? []).toEqual([]);
  }, 900_000);

  test('a seed tells the same story each time', async () => {
    for (let seed = 0; seed < profiles.length; seed += 1) {
      const first = await runWorld(seed, { ...universe, name: 'first' }, { told: true });
      const second = await runWorld(seed, { ...universe, name: 'second' }, { told: true });
      const withoutEpochs = (trace: string) => trace.replaceAll(/[0-9a-f]{12}/g, '');
      expect(withoutEpochs(first.trace)).toBe(withoutEpochs(second.trace));
    }
  });

  test.each(mistakes)(
    'it is noticed where $mistake, within $within worlds',
    async (change) => {
      const changed = { ...universe, changes: [change], name: `${universe.name}:${change.mistake}` };
      const seeds = Array.from({ length: change.within }, (_, index) => index);
      const [caught] = await runSeeds(seeds, changed, 1, profiles.length);
      expect(universe.book.isApplied(change)).toBe(true);
      expect(caught?.violations.length ?? 0).toBeGreaterThan(0);
    },
    60_000,
  );
});
