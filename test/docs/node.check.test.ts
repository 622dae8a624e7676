import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { WebSocketServer } from 'ws';
import { flagDefaults, settingDefaults } from '../../protocol/timings.ts';
import { installClient } from '../support/packed-client.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { codeBlocks, codeOf, project, runProgram } from './support.ts';

const settings = readFileSync(join(project, 'docs/settings.md'), 'utf8');
let stack: TestStack;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rollcall-readme-'));
  stack = await startTestStack();
  // The programs of the page wait for ten seconds at most. On a busy machine the start of a function may take longer.
  const { owner, session } = await stack.host('warm');
  const guest = await stack.arrive('warmer');
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  for (const client of [guest, owner]) await client.close();
  await installClient(directory, ['ws', 'jest', '@jest']);
});
afterAll(async () => {
  await stack?.close();
  await rm(directory, { recursive: true, force: true });
});

/** The Node.js of the project without its `WebSocket`, as in Node.js 20, and an older one where one is installed. */
const engines: [name: string, program: string, options: string[]][] = [
  ['without WebSocket', process.execPath, ['--no-experimental-websocket']],
  ...olderEngines(),
];

/** The arguments of the command on the page. */
const jestCommand = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js'];

function olderEngines(): [string, string, string[]][] {
  const programs = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  const versions = programs.filter((program) => existsSync(program)).map((program) => [program, versionOf(program)]);
  const [program, version] = versions.find(([, version]) => Number(version!.split('.')[0]) < 22) ?? [];
  return program ? [[version!, program, []]] : [];
}

function versionOf(program: string): string {
  return execFileSync(program, ['--print', 'process.versions.node'], { encoding: 'utf8' }).trim();
}

describe.each(engines)('with Node.js %s', (_, program, options) => {
  const run = (arguments_: string[], rollcall = stack.http) =>
    runProgram(program, [...options, ...arguments_], { cwd: directory, env: { ROLLCALL_URL: rollcall } });

  test('the program of the page joins, points and leaves', async () => {
    await writeFile(join(directory, 'presence.mjs'), codeOf('docs/node.md', 'presence.mjs'));
    expect(await run(['presence.mjs'])).toEqual({
      code: 0,
      output: 'bob joined\nsomebody points at main-stage, 12\nbob left: left\n',
    });
  });

  describe.each(['module', 'commonjs'])('in a package of the type %s', (type) => {
    beforeAll(async () => {
      const described = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
      await writeFile(join(directory, 'package.json'), JSON.stringify({ ...described, type }));
      await writeFile(join(directory, 'presence.test.mjs'), codeOf('docs/node.md', 'presence.test.mjs'));
    });

    test('the Jest test of the page passes', async () => {
      const { code, output } = await run(jestCommand);
      expect(output).toContain('1 passed');
      expect(code).toBe(0);
    });
  });
});

describe('the Jest test of the page', () => {
  const fails = async (code: string, rollcall: string) => {
    await writeFile(join(directory, 'presence.test.mjs'), code);
    const env = { ROLLCALL_URL: rollcall };
    const { code: exitCode, output } = await runProgram(process.execPath, jestCommand, { cwd: directory, env });
    expect(exitCode).toBe(1);
    return output;
  };

  test('fails with the reason if a call is refused', async () => {
    const code = codeOf('docs/node.md', 'presence.test.mjs').replace("operationId: 'checkout'", "operationId: ''");
    expect(await fails(code, stack.http)).toContain('RollcallError: "operationId": must not be empty.');
  });

  test('says that there was no answer before Jest ends it', async () => {
    const silent = await startSilentService();
    const output = await fails(codeOf('docs/node.md', 'presence.test.mjs'), silent.url);
    await silent.close();
    expect(output).toContain('RollcallError: This was not sent because there is no connection; try again later.');
    expect(output).not.toContain('Exceeded timeout');
  });
});

/** A service that gives tokens and accepts connections, but answers no frame. */
async function startSilentService(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((_, response) => response.end('{"token":"header.e30.signature"}'));
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'rollcall.v1' });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('the commands of the page run the snippets as these tests do', () => {
  const commands = codeBlocks('docs/node.md').flatMap(({ language, code }) =>
    language === 'sh' ? code.split('\n') : [],
  );
  const { version } = JSON.parse(readFileSync(join(project, 'client/package.json'), 'utf8'));
  expect(commands).toEqual(
    expect.arrayContaining([`npm install ../rollcall-client-${version}.tgz ws`, `node ${jestCommand.join(' ')}`]),
  );
});

test('the page of the settings has their defaults', () => {
  const rows = [...settings.matchAll(/^\| `([A-Z_]+)` +\| +([\d.]+|true|false) \|/gm)].map(([, name, value]) => [
    name,
    JSON.parse(value!),
  ]);
  expect(Object.fromEntries(rows)).toEqual({ ...settingDefaults, ...flagDefaults });
});
