import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { handlers } from '../../lib/handlers.ts';
import { metricUnits } from '../../protocol/metrics.ts';
import { unitCosts } from '../../protocol/unit-costs.ts';
import { countRoom, type RoomUnits } from '../../scripts/cost/counted-room.ts';
import { messageDollars, monthlyCost, naiveRoom, peerPrices, totalOf } from '../../scripts/cost/monthly-cost.ts';
import { awsPrices } from '../../scripts/cost/prices.ts';
import {
  agentDollars,
  assumedAgents,
  assumedWebhooks,
  renewalsOf,
  webhookDollars,
  webhookMetrics,
} from '../../scripts/cost/program-cost.ts';
import { costReport } from '../../scripts/cost/report.ts';
import { logLineBytes, postWireBytes } from '../../scripts/cost/request-bytes.ts';
import { connectRedis } from '../support/redis.ts';

let redis: Redis;
beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.disconnect());

const ten = { people: 10, movers: 1, hertz: 5 };
const used = { ...ten, hours: 176 };

describe('[CO2] the cost of a month, with one of ten users moving at 5 updates a second for 176 hours', () => {
  let room: RoomUnits;
  beforeAll(async () => {
    room = await countRoom(redis, ten, 120);
  });

  test('counts each update, each heartbeat and each post to the nine others', () => {
    expect(room.messages).toBeCloseTo(5 + 9 / 30, 1);
    expect(room.posts).toBeGreaterThanOrEqual(9 * 5);
    expect(room.posts).toBeLessThan(9 * 5 * 1.05);
    expect(room.postUnits).toBe(room.posts);
    expect(room.scripts).toBeGreaterThanOrEqual(room.messages);
  });

  test.each([
    [100, 376],
    [1_000, 3_320],
    [10_000, 31_399],
  ])('for %i users is within ten percent of $%i', (users, dollars) => {
    const positions = monthlyCost({ ...used, users }, room);
    expect(Math.abs(totalOf(positions) / dollars - 1)).toBeLessThan(0.1);
    const messages = positions.filter(({ what }) => what.startsWith('messages'));
    expect(totalOf(messages) / totalOf(positions)).toBeCloseTo(0.85, 1);
  });

  test('[CO3] the meter counts with the same costs of a message, except for connection minutes and the sweep', () => {
    const usage = { ...used, users: 100 };
    const positions = monthlyCost(usage, room);
    const millionsOf = (start: string) => positions.find(({ what }) => what.startsWith(start))!.amount;
    const metered =
      millionsOf('messages received') * unitCosts.received + millionsOf('messages sent') * unitCosts.posted;
    const sweep = usage.hours * 3600 * awsPrices.perGbSecond;
    const bill = totalOf(positions) - sweep - positions.find(({ what }) => what.startsWith('connection'))!.dollars;
    expect(Math.abs(metered / bill - 1)).toBeLessThan(0.03);
  });

  test('webhooks and agents are positions that cost nothing unless they are used, and change no other position', () => {
    const usage = { ...used, users: 100 };
    const without = monthlyCost(usage, room);
    const using = monthlyCost({ ...usage, webhooks: 100_000, agents: 10 }, room);
    const changed = using.filter((each, index) => each.dollars !== without[index]!.dollars);
    expect(without.slice(-3).map(({ amount, dollars }) => [amount, dollars])).toEqual(Array(3).fill([0, 0]));
    expect(changed.map(({ what, amount, dollars }) => [what, amount, dollars.toFixed(2)])).toEqual([
      ['webhooks, in thousands', 100, '0.17'],
      ['metrics of webhooks', 5, '1.50'],
      ['renewals of agents, in thousands', (10 * 176 * 3600) / 30 / 1000, '0.60'],
    ]);
  });

  test('the report names every position, the sum and the dates of the other prices', () => {
    const usage = { ...used, users: 100 };
    const positions = monthlyCost(usage, room);
    const report = costReport({ usage, room, positions, withPlatformLogs: 400, naive: 500, peers: peerPrices(usage) });
    for (const { what } of positions) expect(report).toContain(what);
    expect(report).toContain(totalOf(positions).toFixed(2));
    expect(report).toMatch(/Ably.*\$793 \(https:\/\/ably\.com\/pricing, 2026-11\)/);
  });
});

test('[CO2] ten users who move at 10 updates a second cost a fifth of what naive fan-out costs', async () => {
  const load = { people: 10, movers: 10, hertz: 10 };
  const room = await countRoom(redis, load, 10);
  const usage = { ...load, users: 10, hours: 1 };
  const naive = monthlyCost(usage, naiveRoom(load, 190, 0));
  const messages = (positions: typeof naive) => totalOf(positions.slice(0, 2));
  expect(messages(naive)).toBeCloseTo(3.6, 1);
  expect(messages(monthlyCost(usage, room))).toBeLessThan(0.8);
  expect(room.waits).toBeGreaterThan(0.5);
});

test('[CO2] a room without movement costs its heartbeats and connections', async () => {
  const room = await countRoom(redis, { people: 2, movers: 0, hertz: 1 }, 90);
  expect(room.messages).toBeCloseTo(2 / 30, 1);
  expect(room.waits).toBe(0);
});

test('[CO2] what is assumed of webhooks and agents agrees with the product and with the pages', () => {
  const page = (name: string) =>
    readFileSync(join(__dirname, '..', '..', 'docs', name), 'utf8').replaceAll(/\s+/g, ' ');
  for (const name of ['webhook-sweep', 'webhook-sender'] as const) {
    expect(handlers[name].memoryMb).toBe(assumedWebhooks.memoryGb * 1024);
  }
  expect(Object.keys(metricUnits).filter((name) => name.startsWith('webhooks'))).toHaveLength(webhookMetrics);
  const [batched, alone] = [webhookDollars(100_000, 50), webhookDollars(100_000)].map((each) => `$${each.toFixed(2)}`);
  expect(page('webhooks.md')).toContain(`100,000 events cost ${batched} in full batches, and ${alone} if each`);
  expect(page('deployment.md')).toContain(`renewed every ${assumedAgents.renewSeconds} seconds`);
  const agents = agentDollars(renewalsOf(10, 176)).toFixed(2);
  expect(page('deployment.md')).toContain(`Ten agents for 176 hours cost $${agents}, if`);
  expect(page('deployment.md')).toContain(`100,000 webhooks cost ${alone}`);
});

test('[CO2] messages above a billion a month are cheaper', () => {
  expect(messageDollars(1e9)).toBe(1000);
  expect(messageDollars(2e9)).toBe(1800);
});

test('[CO2] the bytes of a post are those that the test of the gateway measures, with TLS and the answer', () => {
  expect(postWireBytes(200) - 58 - 230).toBeGreaterThan(1_600);
  expect(postWireBytes(200) - 58 - 230).toBeLessThan(1_800);
  expect(logLineBytes()).toBeGreaterThan(150);
});
