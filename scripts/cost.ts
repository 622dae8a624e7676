/**
 * `npm run cost -- --users 1000 --room 10 --movers 1 --hertz 5 --hours 176` says what a month costs on AWS. It counts the messages,
 * posts and bytes of one room: it sends the frames of the users to the product's own scripts in a Redis that it starts, on a
 * simulated clock. `--webhooks` are the webhooks of a month, `--agents` the agents at the same time. `--json` writes the figures as JSON.
 */
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { startRedis } from '../local/backing/redis.ts';
import { countRoom } from './cost/counted-room.ts';
import { monthlyCost, naiveRoom, peerPrices, totalOf, type Usage } from './cost/monthly-cost.ts';
import { costReport } from './cost/report.ts';

const defaults = { users: '1000', room: '10', movers: '1', hertz: '5', hours: '176', webhooks: '0', agents: '0' };
/** A larger room is counted for a shorter time, so that the command ends soon. */
const countedFrames = 20_000;
/** A full JSON frame with one cursor has about this many bytes. */
const naiveFrameBytes = 190;

function readUsage(given: string[]): Usage & { json: boolean } {
  const option = (fallback: string) => ({ type: 'string', default: fallback }) as const;
  const { values } = parseArgs({
    args: given,
    options: {
      ...{ users: option(defaults.users), room: option(defaults.room), movers: option(defaults.movers) },
      ...{ hertz: option(defaults.hertz), hours: option(defaults.hours), webhooks: option(defaults.webhooks) },
      ...{ agents: option(defaults.agents), json: { type: 'boolean', default: false } },
    },
  });
  const number = (name: keyof typeof defaults, least: number, most: number) => {
    const value = Number(values[name]);
    if (value >= least && value <= most) return value;
    throw new Error(`--${name} is "${values[name]}"; set it to a number from ${least} to ${most}.`);
  };
  const people = number('room', 1, 1000);
  return {
    users: number('users', people, 1e7),
    people,
    movers: number('movers', 0, people),
    hertz: number('hertz', 0.1, 20),
    hours: number('hours', 1, 744),
    webhooks: number('webhooks', 0, 1e9),
    agents: number('agents', 0, 1e6),
    json: values.json,
  };
}

async function main(given: string[]): Promise<void> {
  const { json, ...usage } = readUsage(given);
  const own = process.env['REDIS_URL'] ? undefined : await startRedis();
  const redis = new Redis(process.env['REDIS_URL'] ?? own!.url);
  try {
    const perSecond = Math.max(1, usage.movers * usage.hertz);
    const room = await countRoom(redis, usage, Math.min(300, Math.max(20, Math.round(countedFrames / perSecond))));
    const naive = naiveRoom(usage, naiveFrameBytes, ((usage.people - usage.movers) * 2) / 60);
    const figures = {
      usage,
      room,
      positions: monthlyCost(usage, room),
      withPlatformLogs: totalOf(monthlyCost(usage, room, { platformLogs: true })),
      naive: totalOf(monthlyCost(usage, naive)),
      peers: peerPrices(usage),
    };
    process.stdout.write(json ? `${JSON.stringify(figures, undefined, 2)}\n` : costReport(figures));
  } finally {
    redis.disconnect();
    await own?.server.stop('SIGTERM');
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
