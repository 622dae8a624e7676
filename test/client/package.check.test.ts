import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { allGone } from '../local/fixtures/started-process.ts';
import { installClient } from '../support/packed-client.ts';

const run = promisify(execFile);
const project = join(__dirname, '../..');
let folder: string;

/** An application that has only the packed package installed. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollcall-client-'));
  await writeFile(join(folder, 'package.json'), '{"type":"module","private":true}');
  await installClient(folder, ['react', 'react-dom', '@types/react', 'vue', 'yjs']);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const compilerOptions = [
  '--strict',
  '--noEmit',
  '--skipLibCheck',
  'false',
  '--lib',
  'es2022,dom,dom.iterable',
  '--types',
  '',
];

test('the packed package can be imported from JavaScript on a server and opens no connection', async () => {
  const page = `
    import { createClient, ReconnectionManager, RollcallError } from '@rollcall/client';
    import { createTestRollcall } from '@rollcall/client/testing';
    const client = createClient({ url: 'wss://example.org/live', token: () => null });
    const rollcall = createTestRollcall();
    const session = rollcall.client('ada').open('doc');
    await session.ready;
    const failure = await rollcall.client('bob').join('none').ready.catch((error) => error);
    console.log(JSON.stringify([client.state, session.state, failure instanceof RollcallError, typeof ReconnectionManager]));
  `;
  await writeFile(join(folder, 'page.js'), page);
  const { stdout } = await run(process.execPath, ['page.js'], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual(['idle', 'joined', true, 'function']);
});

test.each(['nodenext', 'bundler'])('its types need no other package (%s)', async (resolution) => {
  const page = `
    import { createClient, type Session } from '@rollcall/client';
    import { createTestRollcall } from '@rollcall/client/testing';
    interface Board { data: { colour: string }; cursor: { x: number } }
    const session: Session<Board> = createClient<Board>({ url: 'wss://example.org/live', token: () => null }).join('s');
    export const colour: string | undefined = session.others[0]?.data.colour;
    export const test: Promise<void> = createTestRollcall().advance(1);
    // @ts-expect-error there is no such field
    session.setData({ color: 'teal' });
  `;
  await writeFile(join(folder, 'page.ts'), page);
  const compiler = join(project, 'node_modules/typescript/bin/tsc');
  const modules = resolution === 'nodenext' ? 'nodenext' : 'esnext';
  const options = [...compilerOptions, '--module', modules, '--moduleResolution', resolution];
  await run(process.execPath, [compiler, ...options, 'page.ts'], { cwd: folder });
});

test('its hooks and composables run on a server, and each entry point is a separate module', async () => {
  const page = `
    import { createElement } from 'react';
    import { renderToString } from 'react-dom/server';
    import { createSSRApp, h } from 'vue';
    import * as vueServer from 'vue/server-renderer';
    import { createTestRollcall } from '@rollcall/client/testing';
    import * as react from '@rollcall/client/react';
    import * as vue from '@rollcall/client/vue';
    import * as ui from '@rollcall/client/ui';
    import { createAwareness } from '@rollcall/client/yjs';
    const client = createTestRollcall().client('ada');
    const Names = () => react.useCollaboration({ key: 'doc' }).state;
    const one = renderToString(createElement(react.RollcallProvider, { client }, createElement(Names)));
    const VueNames = { setup: () => { const { state } = vue.useCollaboration({ key: 'doc' }); return () => state.value; } };
    const app = createSSRApp({ render: () => h(vue.RollcallProvider, { client }, () => h(VueNames)) });
    const other = await vueServer.renderToString(app);
    console.log(JSON.stringify([one, other.replace(/<!--.*?-->/g, ''), client.state, typeof createAwareness, Object.keys(ui).sort()]));
  `;
  await writeFile(join(folder, 'server.js'), page);
  const { stdout } = await run(process.execPath, ['server.js'], { cwd: folder });
  expect(JSON.parse(stdout)).toEqual([
    'joining',
    'joining',
    'idle',
    'function',
    ['colourOf', 'english', 'showAvatars', 'showCursors', 'showFollow', 'showInvite', 'showNotices', 'showStatus'],
  ]);
  const react = await readFile(join(folder, 'node_modules/@rollcall/client/dist/react.js'), 'utf8');
  expect(react).toMatch(/^"use client";/);
});

test.each(['nodenext', 'bundler'])(
  '[row 36] types that are declared once apply to each hook (%s)',
  async (resolution) => {
    const page = `
    import { createClient } from '@rollcall/client';
    import { useBroadcast, useCollaboration, useOthers, useSelf } from '@rollcall/client/react';
    import { showAvatars, showCursors } from '@rollcall/client/ui';
    import { type Awareness, createAwareness } from '@rollcall/client/yjs';
    import { useOthers as useVueOthers } from '@rollcall/client/vue';
    declare module '@rollcall/client' {
      interface Register {
        types: { data: { colour: string }; cursor: { x: number }; broadcasts: { wave: { hand: 'left' | 'right' } } };
      }
    }
    export function Page() {
      const { others, updateCursor, setData } = useCollaboration('s', { data: { colour: 'teal' } });
      const colour: string | undefined = others[0]?.data.colour;
      const colours: string[] = useOthers((all) => all.map(({ data }) => data.colour));
      const own: string | undefined = useSelf((self) => self.data.colour);
      const first: string | undefined = useVueOthers().value[0]?.data.colour;
      useBroadcast('wave', ({ payload }) => { const hand: 'left' | 'right' = payload.hand; return hand; });
      updateCursor({ x: 1 });
      // @ts-expect-error there is no such field
      updateCursor({ y: 1 });
      // @ts-expect-error it is no number
      setData({ colour: 7 });
      return [colour, colours, own, first];
    }
    const client = createClient({ url: 'wss://example.org/live', token: () => null });
    const session = client.join('s');
    export const known: string | undefined = session.others[0]?.data.colour;
    export const stops: (() => void)[] = [showAvatars(document.body, session), showCursors(document.body, session)];
    export const awareness: Awareness = createAwareness(session, { clientID: 1, on() {}, off() {} });
  `;
    await writeFile(join(folder, 'typed.ts'), page);
    const compiler = join(project, 'node_modules/typescript/bin/tsc');
    const modules = resolution === 'nodenext' ? 'nodenext' : 'esnext';
    const options = ['--strict', '--noEmit', '--skipLibCheck', '--lib', 'es2022,dom,dom.iterable', '--types', ''];
    await run(
      process.execPath,
      [compiler, ...options, '--module', modules, '--moduleResolution', resolution, 'typed.ts'],
      { cwd: folder },
    ).catch(({ stdout }) => {
      throw new Error(stdout);
    });
  },
);

describe('startRollcall', () => {
  /** Runs a script that starts the stack of this project. The script may read `options`. */
  const pageOf = (body: string, options: object) => `
    import { startRollcall } from '@rollcall/client/testing/stack';
    const options = ${JSON.stringify({ checkout: project, ...options })};
    ${body}
  `;
  const runPage = async (body: string, options: object) => {
    await writeFile(join(folder, 'stack.js'), pageOf(body, options));
    const { stdout } = await run(process.execPath, ['stack.js'], { cwd: folder });
    return JSON.parse(stdout);
  };
  // With an empty REDIS_URL the stack starts its own Redis.
  const settings = { REDIS_URL: '' };

  test('runs the real service of a checkout until it is stopped, and two users see each other in it', async () => {
    const body = `
      let ready;
      const rollcall = await startRollcall({ ...options, log: (line) => (ready = / ([^ ]+endpoints.json);/.exec(line)?.[1] ?? ready) });
      const ada = rollcall.client('ada', { name: 'Ada' }).open('doc');
      const bob = rollcall.client('bob').open('doc');
      // On a busy machine ten seconds may not be enough for a first join; the client goes on trying.
      await Promise.all([ada, bob].map((session) => session.ready.catch(() => session.ready)));
      await new Promise((resolve) => {
        const look = () => ada.others.length > 0 && bob.others.length > 0 && resolve();
        for (const session of [ada, bob]) session.subscribe(look);
        look();
      });
      const names = [ada, bob].map((session) => session.others.map(({ username }) => username));
      await rollcall.stop();
      const after = await fetch(rollcall.httpUrl + '/health').then(() => 'answers', () => 'gone');
      console.log(JSON.stringify({ names, after, ready }));
    `;
    const { names, after, ready } = await runPage(body, { settings });
    expect(names).toEqual([['bob'], ['Ada']]);
    expect(after).toBe('gone');
    expect(existsSync(dirname(ready))).toBe(false);
  });

  test('ends its processes when the process of the test is killed', async () => {
    const body = `
      await startRollcall({ ...options, log: (line) => {
        const file = / ([^ ]+endpoints.json);/.exec(line)?.[1];
        if (file) console.log(file);
      } });
    `;
    await writeFile(join(folder, 'killed.js'), pageOf(body, { settings }));
    const page = spawn(process.execPath, ['killed.js'], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    const [file] = (await once(createInterface({ input: page.stdout }), 'line')) as [string];
    const { pid } = JSON.parse(await readFile(file, 'utf8'));
    page.kill('SIGKILL');
    await allGone([pid]);
    await rm(dirname(file), { recursive: true, force: true });
  });

  test.each([
    ['a folder that is no checkout', { checkout: tmpdir() }, /is no checkout of Rollcall; name the folder/],
    [
      'a misspelt setting',
      { settings: { ...settings, HEARTBEAT_TIMOUT_SECONDS: '5' } },
      /ended .*before it was ready[\s\S]*HEARTBEAT_TIMOUT_SECONDS/,
    ],
  ])('refuses %s and says what to do', async (_, options, sentence) => {
    const body = 'console.log(JSON.stringify(await startRollcall(options).catch(({ message }) => message)));';
    expect(await runPage(body, options)).toMatch(sentence);
  });
});

test('the package has no dependencies and no side effects, and contains a README and its licence', async () => {
  const described = JSON.parse(await readFile(join(folder, 'node_modules/@rollcall/client/package.json'), 'utf8'));
  expect(described.dependencies).toBeUndefined();
  expect(described.sideEffects).toBe(false);
  for (const file of ['README.md', 'LICENSE']) {
    expect((await readFile(join(folder, 'node_modules/@rollcall/client', file), 'utf8')).length).toBeGreaterThan(100);
  }
});
