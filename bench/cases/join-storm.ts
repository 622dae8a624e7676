import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startLocalStack } from '../../local/stack.ts';
import { readTimings } from '../../protocol/timings.ts';
import { type Bench, type Measurement, median } from '../measurement.ts';
import { type Arrival, Crowd } from '../storm/crowd.ts';
import { busiestSecond, framesHeard } from '../storm/hearing.ts';

const usual = 1000;
const withinMillis = 10_000;
/** The local stack runs hundreds of functions on the cores of one machine. */
const timeoutMillis = 600_000;
/**
 * One machine needs minutes for what AWS does in seconds, so the presence settings are longer too: a disconnected user
 * has two minutes to return before the leave is announced.
 */
const settings = {
  PRESENCE_UPDATE_SECONDS: '60',
  HEARTBEAT_TIMEOUT_SECONDS: '60',
  AWAY_AFTER_SECONDS: '600',
  RECONNECT_GRACE_SECONDS: '120',
};

/** The number of commands that Redis has run, including those inside scripts, and the number of scripts. */
async function commandsRun(redis: Redis): Promise<{ commands: number; scripts: number }> {
  const text = await redis.info('commandstats');
  const calls = [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(
    ([, name, many]) => [name, Number(many)] as const,
  );
  const scripts = calls.filter(([name]) => /^eval(sha)?$/.test(name!));
  const sum = (some: typeof calls) => some.reduce((total, [, many]) => total + many, 0);
  return { commands: sum(calls), scripts: sum(scripts) };
}

function measured(what: string, { heard, wholeMillis }: Arrival, redis: { commands: number; scripts: number }) {
  const of = (name: string, value: number, unit: string): Measurement => ({ what: `${what}, ${name}`, value, unit });
  const times = heard.map(({ joinedMillis }) => joinedMillis).sort((a, b) => a - b);
  const frames = (one: (typeof heard)[number]) => [...one.frames.values()].reduce((sum, many) => sum + many, 0);
  const posts = framesHeard(heard, 'presence_diff') + framesHeard(heard, 'presence_state');
  return [
    of('everybody complete after', wholeMillis / 1000, 's'),
    of('one complete, median', median(times), 'ms'),
    of('one complete, last', times.at(-1)!, 'ms'),
    of('posts', posts, 'posts'),
    of('posts of the busiest second', busiestSecond(heard), 'posts'),
    of('frames of one, median', median(heard.map(frames)), 'frames'),
    of('diffs of one, median', median(heard.map((one) => one.frames.get('presence_diff') ?? 0)), 'frames'),
    of('bytes of one, median', median(heard.map(({ bytes }) => bytes)) / 1024, 'KB'),
    of('largest frame', Math.max(...heard.map(({ largestFrame }) => largestFrame)) / 1024, 'KB'),
    of(
      'leaves heard',
      heard.reduce((sum, { leaves }) => sum + leaves, 0),
      'leaves',
    ),
    of(
      'joins heard',
      heard.reduce((sum, { joins }) => sum + joins, 0),
      'joins',
    ),
    of(
      'attempts that failed',
      heard.reduce((sum, { attempts }) => sum + attempts - 1, 0),
      'attempts',
    ),
    of(
      'errors',
      heard.reduce((sum, { errors }) => sum + errors.length, 0),
      'frames',
    ),
    of('scripts of Redis', redis.scripts, 'scripts'),
    of('commands of Redis, in scripts and out', redis.commands, 'commands'),
  ];
}

async function storm(members: number): Promise<Measurement[]> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'rollcall-storm-'));
  const stack = await startLocalStack({ dataDirectory, environment: settings });
  const redis = new Redis(stack.addresses.redisUrl);
  try {
    const { heartbeatMillis } = readTimings(settings);
    const crowd = await Crowd.gather({ venue: stack, members, heartbeatMillis, progress: console.error });
    const arrive = async (what: string) => {
      const before = await commandsRun(redis);
      const arrival = await crowd.arrive(withinMillis, timeoutMillis);
      const after = await commandsRun(redis);
      const { commands, scripts } = before;
      return measured(what, arrival, { commands: after.commands - commands, scripts: after.scripts - scripts });
    };
    const first = await arrive('first arrival');
    crowd.cut();
    const second = await arrive('return after all were cut');
    crowd.end();
    return [...first, ...second];
  } finally {
    redis.disconnect();
    await stack.close();
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  title: 'A room that fills within ten seconds, and fills again after every socket was cut',
  run: (flags) => {
    const chosen = flags.find((flag) => flag.startsWith('--members='));
    return storm(chosen ? Number(chosen.slice('--members='.length)) : usual);
  },
};
