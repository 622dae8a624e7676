import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { firstLimit, limits, shareOf, userCounts, usersAt } from '../../scripts/scale/limits.ts';
import { type CountedLoad, countLoads, loads } from '../../scripts/scale/loads.ts';
import { scalePlots, scaleTables, withTables } from '../../scripts/scale/pages.ts';
import { apiGatewayDollars, crossover, residentDollars } from '../../scripts/scale/resident-gateway.ts';
import { connectRedis } from '../support/redis.ts';

const project = join(__dirname, '../..');
const read = (path: string) => readFileSync(join(project, path), 'utf8');
const kept = JSON.parse(read('scripts/scale/counted.json')) as CountedLoad[];
const [quiet, usual, busy] = kept as [CountedLoad, CountedLoad, CountedLoad];

let redis: Redis;
beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.disconnect());

test('[CO6] the page and its plots are what the model gives for the units that were counted', () => {
  expect(withTables(read('docs/scale.md'), scaleTables(kept))).toBe(read('docs/scale.md'));
  const plots = scalePlots(kept);
  expect(Object.keys(plots)).toHaveLength(loads.length + 1);
  for (const [name, svg] of Object.entries(plots))
    expect([name, read(`docs/images/${name}`) === svg]).toEqual([name, true]);
});

test('[CO6] the units are those that the scripts cause today', async () => {
  const now = await countLoads(redis);
  for (const [index, { name, units }] of kept.entries()) {
    const { messages, posts, scripts, waits } = now[index]!.units;
    expect(name).toBe(loads[index]!.name);
    for (const [was, is] of [
      [units.messages, messages],
      [units.posts, posts],
      [units.scripts, scripts],
      [units.waits, waits],
    ]) {
      expect(Math.abs(is! - was!)).toBeLessThanOrEqual(0.08 * was! + 0.02);
    }
  }
});

test('[CO6] a limit carries as many users as use all of it, and the least of them gives in first', () => {
  for (const load of kept) {
    for (const limit of limits) {
      const most = usersAt(limit, load);
      if (!Number.isFinite(most)) continue;
      expect(shareOf(limit, most, load)).toBeLessThanOrEqual(1);
      expect(shareOf(limit, most * 1.12, load)).toBeGreaterThan(1);
    }
    const others = limits.map((limit) => usersAt(limit, load));
    expect(usersAt(firstLimit(load), load)).toBe(Math.min(...others));
  }
  expect(firstLimit(usual).name).toBe('requests of the account');
  expect(userCounts.every((users) => shareOf(limits[0]!, users, usual) > 0)).toBe(true);
});

test('[CO6] a resident gateway costs less above its size, and more below it', () => {
  for (const load of kept) {
    const size = crossover(load);
    expect(residentDollars(size * 1.2, load)).toBeLessThan(apiGatewayDollars(size * 1.2, load));
    expect(residentDollars(size / 1.2, load)).toBeGreaterThan(apiGatewayDollars(size / 1.2, load));
  }
  expect(crossover(quiet)).toBeGreaterThan(crossover(usual));
  expect(crossover(usual)).toBeGreaterThan(crossover(busy));
});

test('[CO6] the decision on the page names the computed sizes', () => {
  const text = read('docs/scale.md').split('**Decision.**')[1]!.replace(/\s+/g, ' ');
  expect(text).toContain(`from ${crossover(usual)} users at the same time, with the busy load from ${crossover(busy)}`);
  expect(text).toContain(`with the quiet load from ${crossover(quiet).toLocaleString('en-US')}`);
  expect(apiGatewayDollars(170, usual) - residentDollars(170, usual)).toBeGreaterThan(450);
});

test('a page without a place for a table is refused', () => {
  expect(() => withTables('# Page', { units: 'x' })).toThrow('The page has no place for "units"');
});
