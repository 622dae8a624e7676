import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testAddresses } from '../support/addresses.ts';
import { scaleLimit } from '../support/time-limits.ts';
import { type ChangedAssembly, changedAssembly, fixtureAssembly } from './fixtures/assembly.ts';
import { Recorder } from './fixtures/recorder.ts';
import { SocketClient } from './fixtures/socket-client.ts';
import { allGone, StartedProcess } from './fixtures/started-process.ts';

let directory: string;
let environment: Record<string, string>;
let given: Record<string, string>;
const started: StartedProcess[] = [];
const assemblies: ChangedAssembly[] = [];

beforeAll(async () => {
  given = {
    DATABASE_URL: testAddresses.database,
    REDIS_URL: testAddresses.redis,
    AWS_ENDPOINT_URL_DYNAMODB: testAddresses.dynamodb,
  };
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollcall-start-'));
  environment = { PORT: '0', ROLLCALL_DATA_DIR: directory, ROLLCALL_ASSEMBLY_DIR: await fixtureAssembly() };
});
afterEach(async () => {
  for (const process of started.splice(0)) {
    process.child.kill('SIGKILL');
    await process.ended;
  }
  for (const assembly of assemblies.splice(0)) await assembly.remove();
  await rm(directory, { recursive: true, force: true });
});

function start(more: Record<string, string>, ...arguments_: string[]): StartedProcess {
  const process = new StartedProcess({ ...environment, ...more }, arguments_);
  started.push(process);
  return process;
}

/** Starts the fixture with a recorder in its template, because variables of the shell do not reach the functions. */
async function startRecorded(more: Record<string, string>, recorder: Recorder): Promise<StartedProcess> {
  const assembly = await changedAssembly((template) => {
    for (const { Type, Properties } of Object.values(template.Resources)) {
      const { Variables } = (Properties?.['Environment'] ?? {}) as { Variables?: Record<string, string> };
      if (Type === 'AWS::Lambda::Function' && Variables) Variables['RECORDER_URL'] = recorder.url;
    }
  });
  assemblies.push(assembly);
  return start({ ...more, ROLLCALL_ASSEMBLY_DIR: assembly.directory });
}

async function refusal(more: Record<string, string>, ...arguments_: string[]): Promise<string> {
  const process = start(more, ...arguments_);
  const { code } = await process.ended;
  expect(code).toBe(1);
  expect(process.output).not.toContain('ready');
  return process.errors.trimEnd();
}

const endpointsFile = () => join(directory, 'endpoints.json');

describe('with its own servers', () => {
  test('it prints one line when it is ready, writes its endpoints, and on Ctrl-C stops everything with code 0', async () => {
    const recorder = new Recorder();
    await recorder.open();
    const process = await startRecorded({}, recorder);
    const [, url] = await process.ready();
    const endpoints = JSON.parse(await readFile(endpointsFile(), 'utf8'));
    expect(endpoints).toEqual({
      http: url,
      websocket: `${url!.replace('http', 'ws')}/live`,
      management: `${url}/live`,
      redis: expect.stringMatching(/^redis:\/\/127\.0\.0\.1:\d+$/),
      postgres: expect.stringMatching(/^postgres:\/\//),
      dynamodb: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      pid: process.child.pid,
    });
    expect((await stat(endpointsFile())).mode & 0o077).toBe(0);
    const client = await SocketClient.open(`${endpoints.websocket}?token=ada`);
    const id = await client.id();
    const closed = client.closed();
    const processes = await process.descendants();
    expect(processes.length).toBeGreaterThanOrEqual(3);
    process.child.kill('SIGINT');
    expect(await process.ended).toEqual({ code: 0, signal: null });
    expect((await closed).code).toBe(1001);
    expect((await recorder.next('$disconnect', 1, id)).requestContext.disconnectStatusCode).toBe(1001);
    await allGone(processes, scaleLimit(1000));
    expect(existsSync(endpointsFile())).toBe(false);
    expect(process.output.match(/ready/g)).toHaveLength(1);
    expect(process.output).toContain(`all addresses: ${endpointsFile()}; Ctrl-C stops it.`);
    expect(process.output).toMatch(/Rollcall is stopping …\nRollcall has stopped\.\n$/);
    expect(process.errors).toBe('');
    await recorder.close();
  });

  test('a killed process leaves nothing running', async () => {
    const process = start({});
    await process.ready();
    const processes = await process.descendants();
    expect(processes.length).toBeGreaterThanOrEqual(3);
    process.child.kill('SIGKILL');
    await process.ended;
    await allGone(processes);
  });

  test('the endpoints file of a killed process is removed before the next stack is ready', async () => {
    const first = start(given);
    await first.ready();
    first.child.kill('SIGKILL');
    await first.ended;
    expect(existsSync(endpointsFile())).toBe(true);
    await refusal({ ...given, ROLLCALL_ASSEMBLY_DIR: directory });
    expect(existsSync(endpointsFile())).toBe(false);
  });

  test('it stops in order when the reader of its output ends', async () => {
    const process = start({ ...given, LOG_LEVEL: 'DEBUG' });
    const [, url] = await process.ready();
    process.child.stdout?.destroy();
    await SocketClient.open(`${url!.replace('http', 'ws')}/live?token=ada`).catch(() => undefined);
    expect((await process.ended).code).toBe(0);
    expect(existsSync(endpointsFile())).toBe(false);
  });

  test('a start that is stopped leaves nothing running', async () => {
    const process = start({ ROLLCALL_ASSEMBLY_DIR: '', HEARTBEAT_TIMEOUT_SECONDS: String(20 + Math.random()) });
    await process.says(/Synthesizing/);
    const processes = await process.descendants();
    process.child.kill('SIGTERM');
    expect((await process.ended).code).toBe(0);
    await allGone(processes, scaleLimit(1000));
  });
});

describe('with running servers', () => {
  test('SIGTERM also ends it with code 0', async () => {
    const process = start(given);
    await process.ready();
    process.child.kill('SIGTERM');
    expect((await process.ended).code).toBe(0);
    expect(existsSync(endpointsFile())).toBe(false);
  });

  test('a stop that hangs is aborted after three seconds, or at once by a second signal', async () => {
    const recorder = new Recorder();
    await recorder.open();
    const run = async (signals: number) => {
      const process = await startRecorded(given, recorder);
      const [, url] = await process.ready();
      await SocketClient.open(`${url!.replace('http', 'ws')}/live?token=ada`);
      const ends = recorder.of('$disconnect').length;
      const release = recorder.hold();
      const before = performance.now();
      process.child.kill('SIGINT');
      await recorder.next('$disconnect', ends + 1);
      if (signals > 1) process.child.kill('SIGINT');
      const { code } = await process.ended;
      release();
      return { code, millis: performance.now() - before };
    };
    const patient = await run(1);
    expect(patient.code).toBe(0);
    expect(patient.millis).toBeGreaterThanOrEqual(2900);
    const hasty = await run(2);
    expect(hasty.code).toBe(1);
    expect(hasty.millis).toBeLessThan(patient.millis);
    await recorder.close();
  });

  test('it uses the given addresses', async () => {
    const process = start(given);
    await process.ready();
    expect(JSON.parse(await readFile(endpointsFile(), 'utf8'))).toMatchObject({
      redis: testAddresses.redis,
      postgres: testAddresses.database,
      dynamodb: testAddresses.dynamodb,
    });
    expect(await process.descendants()).toEqual([]);
  });

  test('data survives a restart, and --fresh removes it', async () => {
    const key = () => readFile(join(directory, 'identity.json'), 'utf8');
    const run = async (...arguments_: string[]) => {
      const process = start(given, ...arguments_);
      await process.ready();
      process.child.kill('SIGINT');
      await process.ended;
      return key();
    };
    const first = await run();
    expect(await run()).toBe(first);
    expect(await run('--fresh')).not.toBe(first);
  });

  test('settings of the emulation have an effect', async () => {
    const process = start({
      ...given,
      ROLLCALL_EMULATE_LIFETIME_SECONDS: '0.3',
      ROLLCALL_FAULTS: '{"seed":5,"gone":0.5}',
    });
    const [, url] = await process.ready();
    expect(await (await fetch(`${url}/dev/faults`)).json()).toMatchObject({ seed: 5, gone: 0.5 });
    const client = await SocketClient.open(`${url!.replace('http', 'ws')}/live?token=ada`);
    expect((await client.closed()).code).toBe(1001);
  });
});

describe('it reports in one sentence, and ends with code 1, that', () => {
  test('the port is taken', async () => {
    const first = start(given);
    const [, url] = await first.ready();
    const { port } = new URL(url!);
    expect(await refusal({ ...given, PORT: port, ROLLCALL_DATA_DIR: join(directory, 'other') })).toBe(
      `Port ${port} is taken; end what uses it, or choose another: PORT=8788 npm start (PORT=0 takes any free one).`,
    );
  });

  test.each([
    ['a port is none', { PORT: 'http' }, 'PORT is "http"; set it to a number from 0 (any free port) to 65535.'],
    [
      'a limit is none',
      { ROLLCALL_EMULATE_IDLE_SECONDS: '0' },
      'ROLLCALL_EMULATE_IDLE_SECONDS is "0"; set it to a number of seconds above zero.',
    ],
    [
      'faults are no JSON',
      { ROLLCALL_FAULTS: 'x' },
      'ROLLCALL_FAULTS is not JSON; write it like {"seed":1,"gone":0.1}.',
    ],
    [
      'a setting is misspelt',
      { PRESENCE_UPDATE_SECOND: '1' },
      'PRESENCE_UPDATE_SECOND is not a setting; did you mean PRESENCE_UPDATE_SECONDS?',
    ],
    [
      'a setting cannot work',
      { MAX_PARTICIPANTS: '5000', ROLLCALL_ASSEMBLY_DIR: '' },
      'Set MAX_PARTICIPANTS to a whole number up to 1000.',
    ],
  ])('%s', async (_, more, sentence) => {
    const process = start({ ...given, ...more });
    expect((await process.ended).code).toBe(1);
    expect(process.errors.trimEnd()).toBe(sentence);
    expect(process.output).toBe('');
  });

  test('an argument is unknown', async () => {
    expect(await refusal(given, '--frsh')).toBe('The argument "--frsh" is unknown; npm start accepts only -- --fresh');
  });

  test('there is no Redis', async () => {
    const { REDIS_URL: _, ...others } = given;
    expect(await refusal({ ...others, PATH: '/nonexistent' })).toBe(
      'No Redis was found: install redis-server or valkey-server, or set REDIS_URL to a server that already runs.',
    );
  });

  test('the assembly is invalid', async () => {
    expect(await refusal({ ...given, ROLLCALL_ASSEMBLY_DIR: directory })).toMatch(
      /^\S+manifest\.json cannot be read as part of a cloud assembly: .+$/,
    );
  });

  test('the stack refuses a setting', async () => {
    expect(await refusal({ ...given, ROLLCALL_ASSEMBLY_DIR: '', HEARTBEAT_TIMEOUT_SECONDS: '-1' })).toBe(
      'HEARTBEAT_TIMEOUT_SECONDS is "-1"; set it to a number above zero (the default is 30).',
    );
  });

  test('the migrations failed', async () => {
    const assembly = await changedAssembly((template) => {
      const { Properties } = Object.values(template.Resources).find(
        ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && Properties?.['Handler'] === 'migrate.handler',
      )!;
      (Properties!['Environment'] as { Variables: Record<string, string> }).Variables['FAIL_MIGRATION'] =
        'no such column';
    });
    const process = start({ ...given, ROLLCALL_ASSEMBLY_DIR: assembly.directory });
    expect((await process.ended).code).toBe(1);
    expect(process.errors.trimEnd()).toMatch(
      /^The function migrateFunction\w+ must run before the start and failed: no such column$/,
    );
    await assembly.remove();
  });
});
