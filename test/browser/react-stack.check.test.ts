import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserServer, Page, WebSocket as PageSocket } from 'playwright-core';
import { createElement as h } from 'react';
import { renderToString } from 'react-dom/server';
import WebSocket from 'ws';
import { type Client, createClient, type Session } from '../../client/index.ts';
import { RollcallProvider, SessionProvider, useConnection } from '../../client/react/index.ts';
import { moveUntil, newPage, startBrowser } from '../support/browser.ts';
import { tokenOf } from '../support/client.ts';
import { joined } from '../support/joined.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { timeLimits } from '../support/time-limits.ts';
import type {} from './react-page.ts';

// The React package in a real browser with the real stack.

let stack: TestStack;
let browser: Browser;
let server: BrowserServer;
let script: string;
const clients: Client[] = [];
/** Each test has its own session. */
let run = 0;

beforeAll(async () => {
  const bundle = build({
    entryPoints: [join(__dirname, 'react-page.ts')],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    define: { 'process.env.NODE_ENV': '"development"' },
  });
  [stack, { browser, server }] = await Promise.all([startTestStack(), startBrowser()]);
  script = (await bundle).outputFiles[0]!.text;
});
beforeEach(() => {
  run += 1;
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await stack?.close();
});

const keyOf = (suffix = '') => `react-${run}${suffix}`;

/** Another user in a session, and the joins and leaves that they are told. */
async function arrive(user: string, key = keyOf()): Promise<{ session: Session; seen: string[] }> {
  const client = createClient({
    url: stack.websocket,
    token: async () => (await tokenOf(stack, `${user}${run}`)).token,
    WebSocket: WebSocket as never,
  });
  clients.push(client);
  const session = client.open(key);
  const seen: string[] = [];
  session.on('joined', ({ user: { username } }) => seen.push(`${username} joined`));
  session.on('left', ({ user: { username } }) => seen.push(`${username} left`));
  await joined(session);
  return { session, seen };
}

/** A page of Bob, with its sockets and the frames that it sends. */
async function open(): Promise<{ page: Page; sockets: PageSocket[]; framesOf: (type: string) => string[] }> {
  const page = await newPage(browser);
  const sockets: PageSocket[] = [];
  const sent: string[] = [];
  page.on('websocket', (socket) => {
    sockets.push(socket);
    socket.on('framesent', ({ payload }) => sent.push(String(payload)));
  });
  await page.goto(`${stack.http}/health`);
  await page.addScriptTag({ content: script });
  await page.evaluate(([url, user]) => reactPage.begin(url!, user!), [stack.websocket, `bob${run}`]);
  return { page, sockets, framesOf: (type) => sent.filter((frame) => frame.includes(`"type":"${type}"`)) };
}

const shows = (page: Page, id: string, text: string) =>
  page.waitForFunction(([id, text]) => document.getElementById(id!)?.textContent === text, [id, text]);

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = Date.now() + timeLimits.event;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`Waited ${timeLimits.event} ms for ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('[row 27] mounting in StrictMode causes one handshake, one join and no leave', async () => {
  const ada = await arrive('ada');
  const { page, sockets, framesOf } = await open();
  await page.evaluate((key) => reactPage.show('strict', key), keyOf());
  await shows(page, 'others', `Ada${run}`);
  await page.evaluate(() => reactPage.leave());
  // The leave follows everything that mounting twice could have caused.
  await until(() => ada.seen.length > 1, 'the leave');
  expect(ada.seen).toEqual([`bob${run} joined`, `bob${run} left`]);
  expect([sockets.length, framesOf('session_open').length]).toEqual([1, 1]);
});

test('[row 29] a component renders once for each state', async () => {
  const ada = await arrive('ada');
  const { page } = await open();
  await page.evaluate((key) => reactPage.show('plain', key), keyOf());
  await shows(page, 'others', `Ada${run}`);
  expect(await page.evaluate(() => reactPage.renders['others'])).toBe(2);
  // A status changes the list, but not what the component selects.
  await until(() => ada.session.others.length === 1, 'the page');
  ada.session.setActivity('reading');
  const cleo = await arrive('cleo');
  await until(() => cleo.session.others.length === 2, 'the list');
  await shows(page, 'others', `Ada${run},Cleo${run}`);
  expect(await page.evaluate(() => reactPage.renders['others'])).toBe(3);
});

test('[row 30] 100 cursor frames render no component that selects no cursor', async () => {
  const ada = await arrive('ada');
  const { page } = await open();
  await page.evaluate((key) => reactPage.show('selecting', key), keyOf());
  await shows(page, 'others', `Ada${run}`);
  await until(() => ada.session.others.length === 1, 'the page');
  const before = await page.evaluate(() => ({ ...reactPage.renders }));
  const pointer = page.locator('#pointer');
  for (let x = 1; x <= 100; x += 1) {
    await moveUntil(
      async (by) => ada.session.setCursor({ x, by }),
      async () => (await pointer.textContent()) === String(x),
    );
  }
  const after = await page.evaluate(() => ({ ...reactPage.renders }));
  expect(after).toEqual({ ...before, pointer: before['pointer']! + 100 });
});

test('[row 32] a component uses the session of the nearest provider', async () => {
  await Promise.all([arrive('ada'), arrive('cleo', keyOf('-inner'))]);
  const { page, sockets } = await open();
  await page.evaluate((key) => reactPage.show('nested', key), keyOf());
  await Promise.all([shows(page, 'others', `Ada${run}`), shows(page, 'inner', `Cleo${run}`)]);
  expect(sockets).toHaveLength(1);
});

test('[row 33] rendering on a server opens no socket', async () => {
  let dials = 0;
  class Counted extends WebSocket {
    constructor(url: string, protocols?: string[]) {
      super(url, protocols);
      dials += 1;
    }
  }
  const token = async () => (await tokenOf(stack, `bob${run}`)).token;
  const client = createClient({ url: stack.websocket, token, WebSocket: Counted as never });
  clients.push(client);
  const Connection = () => useConnection();
  const html = renderToString(
    h(RollcallProvider, { client }, h(SessionProvider, { sessionKey: keyOf() }, h(Connection))),
  );
  expect([html, client.state, dials]).toEqual(['idle', 'idle', 0]);
  // The same client connects when it is asked to, so a socket would have been counted.
  client.connect();
  await until(() => client.state === 'open', 'the connection');
  expect(dials).toBe(1);
});

test('[row 33] [row 34] 20 hot reloads, each with a new client, leave one connection', async () => {
  const ada = await arrive('ada');
  const { page, sockets } = await open();
  for (let reload = 0; reload <= 20; reload += 1) {
    if (reload > 0) await page.evaluate(([url, user]) => reactPage.begin(url!, user!), [stack.websocket, `bob${run}`]);
    await page.evaluate((key) => reactPage.show('plain', key), keyOf());
    await shows(page, 'others', `Ada${run}`);
  }
  await until(() => sockets.filter((socket) => !socket.isClosed()).length === 1, 'the other sockets to close');
  await until(() => ada.session.others[0]?.connections === 1, 'one connection');
  expect(ada.session.others).toHaveLength(1);
});

test('[row 34] 20 remounts, as in fast refresh, cause one handshake and one join', async () => {
  const ada = await arrive('ada');
  const { page, sockets, framesOf } = await open();
  for (let mount = 0; mount <= 20; mount += 1) {
    await page.evaluate(
      ([key, mount]) => reactPage.show('remounted', key as string, mount as number),
      [keyOf(), mount],
    );
    await shows(page, 'others', `Ada${run}`);
  }
  await page.evaluate(() => reactPage.leave());
  await until(() => ada.seen.length > 1, 'the leave');
  expect(ada.seen).toEqual([`bob${run} joined`, `bob${run} left`]);
  expect([sockets.length, framesOf('session_open').length]).toEqual([1, 1]);
});
