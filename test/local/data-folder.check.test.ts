import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { testAddresses } from '../support/addresses.ts';
import { fixtureAssembly } from './fixtures/assembly.ts';
import { describe as describeProcess, noProcessOf, processesOf } from './fixtures/marked-processes.ts';
import { allGone, StartedProcess } from './fixtures/started-process.ts';

let directory: string;
let environment: Record<string, string>;
const started: StartedProcess[] = [];
const given = {
  DATABASE_URL: testAddresses.database,
  REDIS_URL: testAddresses.redis,
  AWS_ENDPOINT_URL_DYNAMODB: testAddresses.dynamodb,
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollcall-folder-'));
  environment = { PORT: '0', ROLLCALL_DATA_DIR: directory, ROLLCALL_ASSEMBLY_DIR: await fixtureAssembly() };
});
afterEach(async () => {
  for (const process of started.splice(0)) {
    process.child.kill('SIGKILL');
    await process.ended;
  }
  await noProcessOf(directory, 20_000);
  await rm(directory, { recursive: true, force: true });
});

function start(more: Record<string, string>, ...arguments_: string[]): StartedProcess {
  const process = new StartedProcess({ ...environment, ...more }, arguments_);
  started.push(process);
  return process;
}

async function refusal(more: Record<string, string>, ...arguments_: string[]): Promise<string> {
  const process = start(more, ...arguments_);
  expect((await process.ended).code).toBe(1);
  expect(process.output).not.toContain('ready');
  return process.errors.trimEnd();
}

const inUse = (folder: string, pid: number) =>
  `Rollcall already runs with the data folder ${folder} (process ${pid}); stop it, or choose another folder: ROLLCALL_DATA_DIR=… npm start`;

describe('a folder in use', () => {
  test.each([[[]], [['--fresh']]])('a second start with %j is refused and changes nothing', async (arguments_) => {
    const first = start({});
    await first.ready();
    const files = ['identity.json', 'secrets.json', 'endpoints.json', 'postgres/PG_VERSION'];
    const read = () => Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')));
    const [before, processes] = [await read(), await processesOf(directory)];
    expect(await refusal({}, ...arguments_)).toBe(inUse(directory, first.child.pid!));
    expect(await read()).toEqual(before);
    expect(await processesOf(directory)).toEqual(processes);
    const { redis } = JSON.parse(await readFile(join(directory, 'endpoints.json'), 'utf8')) as { redis: string };
    const client = new Redis(redis);
    const [, socket] = (await client.config('GET', 'unixsocket')) as [string, string];
    await client.set('said', 'here');
    const near = new Redis(socket);
    expect(await near.get('said')).toBe('here');
    client.disconnect();
    near.disconnect();
  });

  test('a second start through a symlink is refused, and the first continues', async () => {
    const link = `${directory}-link`;
    await symlink(directory, link);
    try {
      const first = start({});
      await first.ready();
      expect(await refusal({ ROLLCALL_DATA_DIR: link })).toBe(inUse(link, first.child.pid!));
      expect(existsSync(join(directory, 'postgres/postmaster.pid'))).toBe(true);
      expect(first.child.exitCode).toBeNull();
    } finally {
      await rm(link);
    }
  });

  test('a start directly after a kill waits for the servers of the killed stack', async () => {
    const first = start({});
    await first.ready();
    first.child.kill('SIGKILL');
    await start({}).ready();
  });
});

describe('a refused start with --fresh removes nothing', () => {
  let taken: Server;
  let port: string;
  beforeEach(async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'identity.json'), 'kept');
    taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    port = String((taken.address() as { port: number }).port);
  });
  afterEach(() => new Promise((resolve) => taken.close(resolve)));

  test.each([
    ['by a taken port', () => ({ PORT: port }), /^Port \d+ is taken/],
    ['by a broken assembly', () => ({ ROLLCALL_ASSEMBLY_DIR: directory }), /cannot be read as part of/],
    ['without a Redis', () => ({ REDIS_URL: '', PATH: '/nonexistent' }), /^No Redis was found/],
    ['by a refused option', () => ({ ROLLCALL_FAULTS: 'x' }), /^ROLLCALL_FAULTS is not JSON/],
  ])('%s', async (_, more, sentence) => {
    expect(await refusal({ ...given, ...more() }, '--fresh')).toMatch(sentence);
    expect(await readFile(join(directory, 'identity.json'), 'utf8')).toBe('kept');
  });
});

test('an unusable folder is refused with a next step', async () => {
  await writeFile(join(directory, 'file'), '');
  const folder = join(directory, 'file', 'data');
  expect(await refusal({ ...given, ROLLCALL_DATA_DIR: folder })).toMatch(
    /^The data folder \S+ cannot be used \(ENOTDIR.*\); choose a folder that you may write to: ROLLCALL_DATA_DIR=… npm start$/,
  );
});

test('if another program started PostgreSQL in the folder, PostgreSQL decides whether its lock is valid', async () => {
  const first = start({});
  await first.ready();
  first.child.kill('SIGTERM');
  await first.ended;
  // A stale lock of a process that has ended.
  await writeFile(join(directory, 'postgres/postmaster.pid'), '4194303\n');
  await start({}).ready();
});

test.each(['PostgreSQL', 'Redis'])(
  'the servers end when their owner is killed just after the start of %s',
  async (name) => {
    const program = name === 'PostgreSQL' ? /\bpostgres\b.* -D / : /(redis|valkey)-server/;
    const process = start({});
    const seen = await find(process, program);
    const owner = await find(process, /backing\/main\.ts/);
    globalThis.process.kill(owner, 'SIGKILL');
    expect((await process.ended).code).toBe(1);
    expect(process.errors.trimEnd()).toBe('The process of the backing servers ended unexpectedly; start again.');
    await allGone([seen], 20_000);
    await noProcessOf(directory, 20_000);
  },
);

async function find(process: StartedProcess, program: RegExp): Promise<number> {
  while (process.child.exitCode === null) {
    for (const pid of await process.descendants()) if (program.test(await describeProcess(pid))) return pid;
  }
  throw new Error(`It ended: ${process.errors}`);
}
