import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserContextOptions, BrowserServer, Page } from 'playwright-core';
import type * as Package from '../../client/index.ts';
import type * as Components from '../../client/ui/index.ts';
import { startBrowser } from '../support/browser.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { timeLimits } from '../support/time-limits.ts';

/** The components of the client package in a real browser, on the real stack. */

let stack: TestStack;
let browser: Browser;
let server: BrowserServer;
let script: string;
const axeSource = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
const pages: Page[] = [];

declare global {
  var kit: typeof Package & { ui: typeof Components };
  var axe: { run(context?: unknown): Promise<{ violations: { id: string; impact: string; help: string }[] }> };
  var chosen: string[];
  var stops: (() => void)[];
}

beforeAll(async () => {
  const contents = "export * from './index.ts'; export * as ui from './ui/index.ts';";
  const bundle = build({
    stdin: { contents, resolveDir: join(__dirname, '../../client'), loader: 'ts' },
    bundle: true,
    format: 'iife',
    globalName: 'kit',
    target: 'es2022',
    write: false,
  });
  [stack, { browser, server }] = await Promise.all([startTestStack(), startBrowser()]);
  script = (await bundle).outputFiles[0]!.text;
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.context().close()));
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await stack?.close();
});

/** A board whose cards stand elsewhere in a narrow window, in an area that scrolls. */
const body = `<main><h1>Board</h1><div id="people"></div><div id="status"></div><div id="notices"></div>
  <div id="board" style="height:300px;overflow:auto;border:3px solid;margin:17px;padding:11px">
    <div style="display:flex;flex-wrap:wrap;gap:20px">${[1, 2, 3, 4, 5, 6]
      .map((id) => `<p data-rollcall-anchor="card-${id}" style="flex:1 1 220px;height:150px;margin:0">Card ${id}</p>`)
      .join('')}</div></div></main>`;

async function open(user: string, sessionId: string | undefined, options: BrowserContextOptions = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 800 }, ...options });
  const page = await context.newPage();
  pages.push(page);
  await page.goto(`${stack.http}/health`);
  await page.addScriptTag({ content: script });
  const id = await page.evaluate(
    async ({ user, url, body, sessionId }) => {
      document.documentElement.lang = 'en';
      document.documentElement.style.colorScheme = 'light dark';
      document.title = 'Board';
      document.body.innerHTML = body;
      const token = async () => (await (await fetch(`/dev/token?user=${user}`)).json()).token;
      globalThis.client = kit.createClient({ url, token }) as unknown as Package.Client;
      globalThis.session = sessionId
        ? client.join(sessionId)
        : await client.create({ operationId: 'op', metadata: { isPublic: true } });
      await session.ready;
      globalThis.chosen = [];
      globalThis.stops = [
        kit.ui.showAvatars(document.querySelector('#people')!, session, {
          most: 3,
          onSelect: ({ username }) => chosen.push(username),
        }),
        kit.ui.showStatus(document.querySelector('#status')!, client),
        kit.ui.showNotices(document.querySelector('#notices')!, session, { home: '/start' }),
        kit.ui.showCursors(document.querySelector('#board')!, session),
      ];
      return session.id;
    },
    { user, url: stack.websocket, body, sessionId },
  );
  return { page, id };
}

async function faults(page: Page): Promise<string[]> {
  await page.addScriptTag({ content: axeSource });
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, impact, help }) => `${impact}: ${id}, ${help}`);
}

const layouts = [
  { width: 1280, height: 800 },
  { width: 700, height: 900 },
  { width: 360, height: 640 },
];

test('[row 44] a pointer is within 2 px of its element point at 3 viewports, 2 zooms, and scrolled', async () => {
  const { page: ada, id } = await open('point-ada', undefined);
  const bobs: Page[] = [];
  for (const viewport of layouts) {
    for (const zoom of [1, 1.5]) {
      const { page } = await open(`point-bob-${viewport.width}-${zoom}`, id, { viewport, reducedMotion: 'reduce' });
      await page.evaluate((by) => document.documentElement.style.setProperty('zoom', String(by)), zoom);
      bobs.push(page);
    }
  }
  const card = ada.locator('[data-rollcall-anchor="card-2"]');
  for (const [x, y, scroll] of [
    [0.3, 0.7, 0],
    [0.9, 0.1, 120],
  ] as const) {
    const box = (await card.boundingBox())!;
    await ada.mouse.move(box.x + x * box.width, box.y + y * box.height);
    for (const bob of bobs) {
      const distance = () =>
        bob.evaluate(
          ({ x, y, scroll }) => {
            document.querySelector('#board')!.scrollTop = scroll;
            const pointer = document.querySelector('.rollcall-cursors > *')?.getBoundingClientRect();
            const at = document.querySelector('[data-rollcall-anchor="card-2"]')!.getBoundingClientRect();
            if (!pointer) return Number.POSITIVE_INFINITY;
            return Math.hypot(pointer.x - at.x - x * at.width, pointer.y - at.y - y * at.height);
          },
          { x, y, scroll },
        );
      await untilBelow(2, distance);
    }
  }
  await ada.mouse.move(1, 1);
  for (const bob of bobs) await bob.waitForFunction(() => !document.querySelector('.rollcall-cursors > *'));
});

/** Waits until the value is below a limit; fails with the last value. */
async function untilBelow(limit: number, measure: () => Promise<number>): Promise<void> {
  const end = Date.now() + timeLimits.event;
  for (;;) {
    const value = await measure();
    if (value < limit) return;
    if (Date.now() > end) throw new Error(`It is ${value}, and was to be below ${limit}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('[row 46] while the connection is lost pointers and people are dimmed, the status says so, and a leaver’s pointer goes', async () => {
  const { page: ada, id } = await open('dim-ada', undefined);
  const { page: bob } = await open('dim-bob', id);
  await ada.mouse.move(300, 400);
  await bob.waitForFunction(() => document.querySelector('.rollcall-cursors > *'));
  expect(await bob.locator('.rollcall-status').getAttribute('data-quiet')).toBe('');
  await bob.context().setOffline(true);
  await bob.locator('.rollcall-cursors[data-stale]').waitFor({ state: 'attached' });
  const dimmed = await bob.evaluate(() =>
    ['.rollcall-cursors', '.rollcall-avatars'].map((each) => getComputedStyle(document.querySelector(each)!).opacity),
  );
  expect(dimmed).toEqual(['0.45', '0.45']);
  expect(await bob.getByRole('status').first().textContent()).toMatch(/^The connection is lost/);
  await bob.getByRole('button', { name: 'Connect again' }).waitFor();
  await bob.context().setOffline(false);
  await bob.locator('.rollcall-cursors:not([data-stale])').waitFor({ state: 'attached' });
  await ada.evaluate(() => session.leave());
  await bob.getByText('dim-ada left.').waitFor();
  await bob.waitForFunction(() => !document.querySelector('.rollcall-cursors > *'));
});

test('[row 53] people are a list that is read and used by keyboard, and axe finds no fault, light or dark', async () => {
  const { page: ada, id } = await open('list-ada', undefined);
  for (const name of ['list-bob', 'list-cleo', 'list-dan']) await open(name, id);
  await ada.getByRole('img', { name: '2 more' }).waitFor();
  expect(await ada.locator('.rollcall-avatars li').count()).toBe(3);
  await ada.keyboard.press('Tab');
  await ada.keyboard.press('Tab');
  const focused = () => ada.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  expect(await focused()).toBe('list-bob, online');
  await pages[1]!.evaluate(() => session.setActivity('drawing'));
  await ada.getByRole('button', { name: 'list-bob, online, drawing' }).waitFor();
  expect(await focused()).toBe('list-bob, online, drawing');
  await ada.keyboard.press('Enter');
  expect(await ada.evaluate(() => chosen)).toEqual(['list-bob']);
  await pages[1]!.evaluate(() => session.setStatus('away'));
  await ada.getByRole('button', { name: 'list-bob, away, drawing' }).waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await ada.emulateMedia({ colorScheme });
    expect([colorScheme, await faults(ada)]).toEqual([colorScheme, []]);
  }
});

test('who is removed, and whose session ended, reads a card with a way on, without a fault of axe', async () => {
  const { page: ada, id } = await open('card-ada', undefined);
  const { page: bob } = await open('card-bob', id);
  const { page: cleo } = await open('card-cleo', id);
  await ada.waitForFunction(() => session.others.length === 2);
  const userId = await bob.evaluate(() => session.self!.userId);
  await ada.evaluate((user) => session.remove(user, 'Too loud.'), userId);
  await bob.getByRole('alert').getByRole('heading', { name: 'The owner removed you from this session' }).waitFor();
  expect(await bob.getByRole('alert').textContent()).toContain('Too loud.');
  expect(await bob.getByRole('link', { name: 'Go to the start page' }).getAttribute('href')).toBe('/start');
  await ada.getByText('card-bob was removed by the owner.').waitFor();
  await ada.evaluate(() => session.end());
  await cleo.getByRole('heading', { name: 'The owner ended this session' }).waitFor();
  for (const colorScheme of ['light', 'dark'] as const) {
    await bob.emulateMedia({ colorScheme });
    expect([colorScheme, await faults(bob)]).toEqual([colorScheme, []]);
  }
});

test('[row 35] what is taken away leaves no element, and with reduced motion nothing glides', async () => {
  const { page: ada, id } = await open('gone-ada', undefined);
  const { page: bob } = await open('gone-bob', id);
  await bob.mouse.move(300, 400);
  const glide = () =>
    ada.evaluate(() => getComputedStyle(document.querySelector('.rollcall-cursors > *')!).transitionDuration);
  await ada.waitForFunction(() => document.querySelector('.rollcall-cursors > *'));
  expect(await glide()).toBe('0.12s, 0.3s');
  await ada.emulateMedia({ reducedMotion: 'reduce' });
  expect(await glide()).toBe('0s');
  await ada.evaluate(() => {
    for (const stop of stops) stop();
  });
  expect(await ada.locator('.rollcall').count()).toBe(0);
});
