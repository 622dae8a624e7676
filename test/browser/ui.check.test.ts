import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserContextOptions, BrowserServer, Page } from 'playwright-core';
import type * as Package from '../../client/index.ts';
import type * as Components from '../../client/ui/index.ts';
import { moveUntil, newPage, startBrowser } from '../support/browser.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin, timeLimits } from '../support/time-limits.ts';

// The components of the client package in a real browser with the real stack.

let stack: TestStack;
let browser: Browser;
let server: BrowserServer;
let script: string;
const axeSource = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
const pages: Page[] = [];

interface Violation {
  id: string;
  impact: string;
  help: string;
  nodes: { html: string }[];
}

declare global {
  var kit: typeof Package & { ui: typeof Components };
  var axe: { run(context?: unknown): Promise<{ violations: Violation[] }> };
  var chosen: string[];
  var stops: (() => void)[];
  var following: Components.Follow;
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

/** A board in a scrollable area; in a narrow window its cards are in other places. */
const body = `<main><h1>Board</h1><div id="people"></div><div id="status"></div><div id="notices"></div>
  <div id="board" style="height:300px;overflow:auto;border:3px solid;margin:17px;padding:11px">
    <div style="display:flex;flex-wrap:wrap;gap:20px">${[1, 2, 3, 4, 5, 6]
      .map((id) => `<p data-rollcall-anchor="card-${id}" style="flex:1 1 220px;height:150px;margin:0">Card ${id}</p>`)
      .join('')}</div></div></main>`;

async function open(user: string, sessionId: string | undefined, options: BrowserContextOptions = {}) {
  const page = await newPage(browser, { viewport: { width: 1000, height: 800 }, ...options });
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
      // On a busy machine the first ten seconds may not be enough; then the client goes on trying.
      await session.ready.catch(() => session.ready);
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
  return violations.map(({ id, impact, help, nodes }) => `${impact}: ${id}, ${help}: ${nodes.map(({ html }) => html)}`);
}

const layouts = [
  { width: 1280, height: 800 },
  { width: 700, height: 900 },
  { width: 360, height: 640 },
];

test('[row 44] a pointer is within 2 px of its point in 3 viewports, 2 zooms, and after scrolling', async () => {
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
    const move = (by: number) => ada.mouse.move(box.x + (x + by) * box.width, box.y + y * box.height);
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
      await moveUntil(move, async () => (await distance()) < 2);
    }
  }
  await ada.mouse.move(1, 1);
  for (const bob of bobs) await bob.waitForFunction(() => !document.querySelector('.rollcall-cursors > *'));
});

/** Waits until a value is below a limit; fails with the last value. */
async function untilBelow(limit: number, measure: () => Promise<number>): Promise<void> {
  const end = Date.now() + timeLimits.event;
  for (;;) {
    const value = await measure();
    if (value < limit) return;
    if (Date.now() > end) throw new Error(`It is ${value}, and was to be below ${limit}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('[row 46] while the connection is lost, pointers are dimmed, names and avatars are grey, and the status says it; a leave removes the pointer', async () => {
  const { page: ada, id } = await open('dim-ada', undefined);
  const { page: bob } = await open('dim-bob', id);
  await moveUntil(
    (by) => ada.mouse.move(300 + 100 * by, 400),
    () => bob.locator('.rollcall-cursors > *').isVisible(),
  );
  expect(await bob.locator('.rollcall-status').getAttribute('data-quiet')).toBe('');
  await bob.context().setOffline(true);
  await bob.locator('.rollcall-cursors[data-stale]').waitFor({ state: 'attached' });
  const dimmed = await bob.evaluate(() => {
    const styleOf = (selector: string) => getComputedStyle(document.querySelector(selector)!);
    const layers = [styleOf('.rollcall-cursors'), styleOf('.rollcall-avatars')];
    return [styleOf('.rollcall-cursors svg').opacity, ...layers.map(({ filter, opacity }) => `${filter} ${opacity}`)];
  });
  // Names and initials are text, so they lose their colour and keep their contrast.
  expect(dimmed).toEqual(['0.45', 'grayscale(1) 1', 'grayscale(1) 1']);
  expect(await faults(bob)).toEqual([]);
  expect(await bob.getByRole('status').first().textContent()).toMatch(/^The connection is lost/);
  await bob.getByRole('button', { name: 'Connect again' }).waitFor();
  await bob.context().setOffline(false);
  await bob.locator('.rollcall-cursors:not([data-stale])').waitFor({ state: 'attached' });
  await ada.evaluate(() => session.leave());
  await bob.getByText('dim-ada left.').waitFor();
  await bob.waitForFunction(() => !document.querySelector('.rollcall-cursors > *'));
});

test('[row 53] the users are a list that works with keyboard and screen reader, and axe finds no problem in light and dark colours', async () => {
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

/** Makes the board higher than its visible area, and lets the user of the page follow others in it. */
function followOnBoard(page: Page): Promise<void> {
  return page.evaluate(() => {
    document.querySelector<HTMLElement>('#board > div')!.style.height = '3000px';
    const surface = document.querySelector('#board')!;
    surface.setAttribute('tabindex', '0');
    globalThis.following = kit.ui.showFollow(document.querySelector('#notices')!, session, { surface });
  });
}

const scrollTop = (page: Page) => page.evaluate(() => document.querySelector('#board')!.scrollTop);

/** Follows the only other user, and waits until that user sees it. */
async function followOther(follower: Page, leader: Page): Promise<void> {
  await follower.waitForFunction(() => session.others.length === 1);
  await follower.evaluate(() => following.follow(session.others[0]!.userId));
  await leader.waitForFunction(() => session.self!.data['rollcall.view']);
}

test('[row 48] a follower’s viewport equals the leader’s within 300 ms, and without followers nothing is sent', async () => {
  const { page: ada, id } = await open('lead-ada', undefined);
  const { page: bob } = await open('lead-bob', id);
  await Promise.all([ada, bob].map(followOnBoard));
  await ada.evaluate(() => document.querySelector('#board')!.scrollTo(0, 100));
  expect(await ada.evaluate(() => session.self!.data)).toEqual({});
  await followOther(bob, ada);
  await bob.getByText('You follow lead-ada.').waitFor();
  await ada.getByText('Followed by lead-bob.').waitFor();
  await untilBelow(2, async () => Math.abs((await scrollTop(bob)) - 100));
  const delays: number[] = [];
  for (const top of [900, 400, 2000]) {
    // Both pages run on one machine, so their clocks agree.
    const seen = bob.evaluate(async (wanted) => {
      const board = document.querySelector('#board')!;
      while (Math.abs(board.scrollTop - wanted) > 2) await new Promise((resolve) => requestAnimationFrame(resolve));
      return Date.now();
    }, top);
    const scrolledAt = await ada.evaluate((to) => {
      document.querySelector('#board')!.scrollTo(0, to);
      return Date.now();
    }, top);
    delays.push((await seen) - scrolledAt);
  }
  await expectWithin(delays.sort((one, other) => one - other)[1]!, 300);
  for (const colorScheme of ['light', 'dark'] as const) {
    await bob.emulateMedia({ colorScheme });
    expect([colorScheme, await faults(bob)]).toEqual([colorScheme, []]);
  }
  await bob.getByRole('button', { name: 'Stop following' }).click();
  await ada.waitForFunction(() => !session.self!.data['rollcall.view']);
  expect(await bob.getByRole('button', { name: 'Stop following' }).count()).toBe(0);
});

test('[row 48] following ends when the follower scrolls or the leader leaves', async () => {
  const { page: ada, id } = await open('wheel-ada', undefined);
  const { page: bob } = await open('wheel-bob', id);
  await Promise.all([ada, bob].map(followOnBoard));
  await followOther(bob, ada);
  await ada.evaluate(() => document.querySelector('#board')!.scrollTo(0, 800));
  await untilBelow(2, async () => Math.abs((await scrollTop(bob)) - 800));
  const box = (await bob.locator('#board').boundingBox())!;
  await bob.mouse.move(box.x + 50, box.y + 50);
  await bob.mouse.wheel(0, 200);
  await bob.waitForFunction(() => document.querySelector('.rollcall-follow[data-quiet]'));
  await ada.waitForFunction(() => !session.self!.data['rollcall.view']);
  await followOther(bob, ada);
  await untilBelow(2, async () => Math.abs((await scrollTop(bob)) - 800));
  await ada.evaluate(() => session.leave());
  await bob.waitForFunction(() => document.querySelector('.rollcall-follow[data-quiet]'));
  expect(await bob.evaluate(() => session.self!.data)).toEqual({});
});

test('the owner creates, copies and revokes an invite link, and other users do not see the form', async () => {
  const { page: ada, id } = await open('invite-ada', undefined, { permissions: ['clipboard-read', 'clipboard-write'] });
  const { page: bob } = await open('invite-bob', id);
  for (const page of [ada, bob]) {
    await page.evaluate(() => {
      stops.push(kit.ui.showInvite(document.querySelector('#people')!, session, { expiresInSeconds: 3600 }));
    });
  }
  expect(await bob.getByRole('button', { name: 'Create an invite link' }).isVisible()).toBe(false);
  await ada.getByLabel('Role').selectOption('commenter');
  await ada.getByRole('button', { name: 'Create an invite link' }).click();
  const link = await ada.getByLabel('Invite link', { exact: true }).inputValue();
  const until = (await ada.locator('.rollcall-invite [role=status]').textContent())!.split('The link works until ')[1]!;
  const minutes = (Date.parse(until.replace(/\.$/, '')) - Date.now()) / 60_000;
  expect(Math.round(minutes)).toBeGreaterThan(50);
  expect(Math.round(minutes)).toBeLessThanOrEqual(60);
  await ada.getByRole('button', { name: 'Copy' }).click();
  await ada.getByText('Copied. The link works until').waitFor();
  expect(await ada.evaluate(() => navigator.clipboard.readText())).toBe(link);
  const invite = new URL(link).searchParams.get('invite')!;
  for (const colorScheme of ['light', 'dark'] as const) {
    await ada.emulateMedia({ colorScheme });
    expect([colorScheme, await faults(ada)]).toEqual([colorScheme, []]);
  }
  const joinAsGuest = () =>
    bob.evaluate(
      async ({ url, invite, id }) => {
        const guest = kit.createClient({ url, invite, guestName: 'Guest' });
        const joined = guest.join(id);
        return joined.ready
          .then(
            () => joined.role,
            (error: Package.RollcallError) => error.code,
          )
          .finally(guest.close);
      },
      { url: stack.websocket, invite, id },
    );
  expect(await joinAsGuest()).toBe('commenter');
  await ada.getByRole('button', { name: 'Revoke' }).click();
  await ada.getByText('Link revoked.').waitFor();
  expect(await ada.getByLabel('Invite link', { exact: true }).count()).toBe(0);
  expect(await joinAsGuest()).toMatch(/^INVITE_|UNAUTHENTICATED/);
});

test('a removed user and a user of an ended session see a card with a link, and axe finds no problem', async () => {
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

test('[row 35] a removed component leaves no element, and with reduced motion pointers do not glide', async () => {
  const { page: ada, id } = await open('gone-ada', undefined);
  const { page: bob } = await open('gone-bob', id);
  await moveUntil(
    (by) => bob.mouse.move(300 + 100 * by, 400),
    () => ada.locator('.rollcall-cursors > *').isVisible(),
  );
  const glide = () =>
    ada.evaluate(() => getComputedStyle(document.querySelector('.rollcall-cursors > *')!).transitionDuration);
  expect(await glide()).toBe('0.12s, 0.3s');
  await ada.emulateMedia({ reducedMotion: 'reduce' });
  expect(await glide()).toBe('0s');
  await ada.evaluate(() => {
    for (const stop of stops) stop();
  });
  expect(await ada.locator('.rollcall').count()).toBe(0);
});
