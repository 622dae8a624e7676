import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { SeededRandom } from '../harness/seeded-random.ts';
import { fixtureAssembly } from './fixtures/assembly.ts';
import { describe as describeProcess, noProcessOf } from './fixtures/marked-processes.ts';
import { StartedProcess } from './fixtures/started-process.ts';

/** `ROLLCALL_START_ROUNDS=100 npm test -- test/local/random-starts` is the long run. */
const rounds = Number(process.env['ROLLCALL_START_ROUNDS'] ?? 5);
const seed = Number(process.env['ROLLCALL_START_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Duration of a start with its own servers on an idle machine. Kills happen before and after its end. */
const longestDelayMillis = 3000;
const inUse = /^Rollcall already runs with the data folder/;

const endings = ['SIGKILL stack', 'SIGKILL servers', 'SIGKILL both', 'SIGTERM', 'SIGINT', 'none'] as const;
type Ending = (typeof endings)[number];

/** Loss of data: a failure, whatever ended the stack. */
class Lost extends Error {}

/** One stack of a round. */
interface Participant {
  process: StartedProcess;
  fresh: boolean;
  /** Whether this test has begun to stop it. */
  ending: boolean;
  ready: boolean;
}

interface Endpoints {
  postgres: string;
  redis: string;
  pid: number;
}

const generator = new SeededRandom(seed);
const random = () => generator.next();
const between = (least: number, most: number) => least + random() * (most - least);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
/** Half of the delays are short, because most faults are near the beginning. */
const delay = () => (random() < 0.5 ? between(0, 400) : between(0, longestDelayMillis));

let folder: string;
let link: string;
let environment: Record<string, string>;
let alive: Participant[] = [];
/** Rows that were acknowledged and not removed by an accepted `--fresh`. */
const kept = new Set<string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-random-'));
  link = `${folder}-link`;
  await symlink(folder, link);
  environment = { PORT: '0', ROLLCALL_ASSEMBLY_DIR: await fixtureAssembly() };
});
afterAll(async () => {
  for (const { process } of alive) process.child.kill('SIGKILL');
  await rm(link);
  await rm(folder, { recursive: true, force: true });
});

test(
  `${rounds} rounds of starting, killing and doubling stacks lose no process, no file and split no store (seed ${seed})`,
  async () => {
    console.info(`ROLLCALL_START_SEED=${seed}`);
    for (let round = 0; round < rounds; round++) {
      await play(round).catch((error: Error) => {
        throw new Error(`Round ${round} of seed ${seed}: ${error.message}`, { cause: error });
      });
    }
    const last = begin(false);
    await follow(last, 'last');
    expect(last.ready).toBe(true);
    await end(last, 'SIGTERM');
    await last.process.ended;
    await noProcessOf(folder, 30_000);
  },
  rounds * 30_000 + 60_000,
);

async function play(round: number): Promise<void> {
  const doubled = random() < 0.5;
  const [fate, later, seconds] = [pick(endings), delay(), delay()];
  const freshFirst = random() < 0.1;
  const freshSecond = random() < 0.5;
  const first = begin(freshFirst);
  const lives = [follow(first, `${round}-first`)];
  const ended = pause(later).then(() => end(first, fate));
  if (doubled) {
    await pause(seconds);
    lives.push(follow(begin(freshSecond), `${round}-second`));
  }
  await Promise.all([...lives, ended]);
  for (const participant of alive) await end(participant, 'SIGTERM');
  for (const { process } of alive) await process.ended;
  alive = [];
  await noProcessOf(folder, 30_000);
}

function begin(fresh: boolean): Participant {
  const path = random() < 0.5 ? folder : link;
  const process = new StartedProcess({ ...environment, ROLLCALL_DATA_DIR: path }, fresh ? ['--fresh'] : []);
  const participant = { process, fresh, ending: false, ready: false };
  alive.push(participant);
  return participant;
}

/** Watches a stack until it is ready and its stores were checked, or until it has ended. */
async function follow(participant: Participant, name: string): Promise<void> {
  const { process } = participant;
  const outcome = await process.ready().then(
    () => 'ready' as const,
    () => process.ended,
  );
  if (outcome !== 'ready') {
    const refused = inUse.test(process.errors);
    if (participant.fresh && !refused) kept.clear();
    if (!refused && !participant.ending) throw new Error(`${name} ended by itself: ${process.errors}`);
    return;
  }
  participant.ready = true;
  if (participant.fresh) kept.clear();
  const others = alive.filter((other) => other !== participant && other.ready && !other.ending);
  if (others.length > 0) throw new Error('Two stacks run on one data folder.');
  await lookAtStores(name).catch((error: Error) => {
    // If the stack ends, the check is aborted.
    if (error instanceof Lost || !participant.ending) throw error;
  });
}

/** Checks that all acknowledged rows exist, and that the functions use the same Redis as the address names. */
async function lookAtStores(name: string): Promise<void> {
  const { postgres, redis } = JSON.parse(await readFile(join(folder, 'endpoints.json'), 'utf8')) as Endpoints;
  const database = new Client({ connectionString: postgres, ssl: false });
  database.on('error', () => {});
  const far = new Redis(redis, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  far.on('error', () => {});
  try {
    await database.connect();
    await database.query('CREATE TABLE IF NOT EXISTS kept (name text)');
    const { rows } = await database.query<{ name: string }>('SELECT name FROM kept');
    const lost = [...kept].filter((row) => !rows.some((found) => found.name === row));
    if (lost.length > 0) throw new Lost(`Lost: ${lost.join(', ')}`);
    await database.query('INSERT INTO kept VALUES ($1)', [name]);
    kept.add(name);
    const [, socket] = (await far.config('GET', 'unixsocket')) as [string, string];
    const near = new Redis(socket, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
    near.on('error', () => {});
    try {
      await far.set(name, 'here');
      const seen = await near.get(name);
      if (seen !== 'here') throw new Lost(`${socket} leads to another Redis.`);
    } finally {
      near.disconnect();
    }
  } finally {
    far.disconnect();
    await database.end();
  }
}

async function end(participant: Participant, how: Ending): Promise<void> {
  const { process } = participant;
  if (how === 'none' || process.child.exitCode !== null) return;
  participant.ending = true;
  if (how === 'SIGTERM' || how === 'SIGINT') process.child.kill(how);
  if (how === 'SIGKILL servers' || how === 'SIGKILL both') {
    for (const pid of await process.descendants()) {
      if (/backing\/main\.ts/.test(await describeProcess(pid))) globalThis.process.kill(pid, 'SIGKILL');
    }
  }
  if (how === 'SIGKILL stack' || how === 'SIGKILL both') process.child.kill('SIGKILL');
}
