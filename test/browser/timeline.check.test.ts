import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserContextOptions, BrowserServer, Page } from 'playwright-core';
import { english } from '../../client/timeline/index.ts';
import type { ChainFault } from '../../client/verify/index.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { tamperings } from '../activity/tampered-trail.ts';
import { createLogger } from '../support/activity-logger.ts';
import { newPage, startBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

// The timeline of the client package in a real browser, with entries that PostgreSQL sealed.

declare const kit: typeof import('../../client/timeline/index.ts') & typeof import('../../client/verify/index.ts');

let database: TestDatabase;
let pages: Server;
let chromium: { browser: Browser; server: BrowserServer };
/** Ten sealed entries, oldest first. */
let items: ActivityItem[];
const axeSource = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
const opened: Page[] = [];
const begin = Date.parse('2026-11-29T14:00:00Z');
const [ada, bob, cleo] = [randomUUID(), randomUUID(), randomUUID()];
const names = { [ada]: 'Ada', [bob]: 'Bob', [cleo]: 'Cléo' };

/** Who did what, and how many seconds after the beginning. */
const story: [string | null, string, number, object?][] = [
  [ada, 'user_joined', 0, { role: 'owner' }],
  [bob, 'user_joined', 60, { role: 'editor' }],
  [cleo, 'user_joined', 90, { role: 'viewer' }],
  [ada, 'card_moved', 120],
  [cleo, 'card_moved', 200, { card: 'bees' }],
  [cleo, 'user_timeout', 300, { reason: 'heartbeat_timeout', durationSeconds: 210 }],
  [bob, 'user_left', 420, { cause: 'disconnected', durationSeconds: 360 }],
  [ada, 'card_moved', 500],
  [null, 'session_ended', 600, { status: 'completed' }],
  [ada, 'user_left', 600, { cause: 'session_ended', durationSeconds: 600 }],
];

beforeAll(async () => {
  database = await createDatabase();
  const logger = createLogger({ pool: database.pool });
  const sessionId = randomUUID();
  for (const [index, [userId, type, seconds, details = {}]] of story.entries()) {
    await logger.logActivity(
      sessionId,
      userId,
      type,
      { ...details },
      {
        activityId: `00000000-0000-4000-8000-00000000010${index}`,
        at: begin + seconds * 1000,
        username: userId ? names[userId]! : null,
        ipAddress: '10.0.0.1',
        userAgent: 'Firefox',
      },
    );
  }
  await logger.sealChains();
  items = (await logger.getRecentActivity(sessionId)).reverse();
  const contents = "export * from './timeline/index.ts'; export { verifyTrail } from './verify/index.ts';";
  const bundled = await build({
    stdin: { contents, resolveDir: join(__dirname, '../../client'), loader: 'ts' },
    ...{ bundle: true, format: 'iife', globalName: 'kit', target: 'es2022', write: false },
  });
  const page = `<!doctype html><html lang="en"><meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width">
    <title>Board</title><main><h1>Board</h1><div id="timeline"></div></main><script>${bundled.outputFiles![0]!.text}</script>`;
  // A strict policy: the timeline writes no style into its elements' attributes.
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': "style-src 'none'" };
  pages = createServer((_, response) => response.writeHead(200, headers).end(page));
  await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
  chromium = await startBrowser();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((page) => page.context().close()));
});
afterAll(async () => {
  await chromium?.server.close();
  await new Promise((resolve) => pages.close(resolve));
  await database.drop();
});

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const page = await newPage(chromium.browser, { timezoneId: 'UTC', locale: 'en-GB', ...options });
  opened.push(page);
  await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
  return page;
}

/** Draws a timeline of these entries, which it reads in pages of four. */
async function draw(page: Page, trail: readonly ActivityItem[]): Promise<void> {
  await page.evaluate(async (text) => {
    const entries: ActivityItem[] = JSON.parse(text);
    const newest = entries.toReversed();
    const source = {
      async queryActivity({ before = '0' }: { before?: string }) {
        const at = Number(before);
        return { items: newest.slice(at, at + 4), ...(at + 4 < newest.length && { next: String(at + 4) }) };
      },
    };
    const container = document.querySelector('#timeline')!;
    container.replaceChildren();
    const verify = (read: ActivityItem[], isComplete: boolean) => kit.verifyTrail(read, { isComplete });
    await kit.showPresenceTimeline(container, source, { verify }).refresh();
  }, JSON.stringify(trail));
}

async function faults(page: Page): Promise<string[]> {
  await page.addScriptTag({ content: axeSource });
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`);
  });
}

/** The rows of the table of entries: number, state, and whether the row is red. */
const rowsOf = (page: Page) =>
  page
    .locator('table')
    .last()
    .locator('tbody tr')
    .evaluateAll((rows) =>
      rows.map((row) => ({
        number: row.children[0]!.textContent!,
        state: row.children[4]!.textContent!,
        isRed: row.hasAttribute('data-broken'),
      })),
    );

test('[AC9] each user has a row with a bar for each stay, its cause, and the last sign of life with the entry', async () => {
  const page = await open();
  await draw(page, items);
  const bars = page.locator('li button');
  const labels = await bars.evaluateAll((each) => each.map((bar) => bar.getAttribute('aria-label')));
  expect(labels).toEqual([
    'Ada, 14:00:00 – 14:10:00, session ended',
    'Bob, 14:01:00 – 14:07:00, disconnected',
    'Cléo, 14:01:30 – 14:05:00, timed out',
  ]);
  expect(await bars.allTextContents()).toEqual(['session ended ■', 'disconnected ↯', 'timed out ◔']);
  const ticks = page.locator('li i');
  expect(await ticks.evaluateAll((each) => each.map((tick) => tick.style.left))).toEqual(['20%', '83.3%', '33.3%']);
  await bars.nth(2).focus();
  await page.keyboard.press('Enter');
  expect(await bars.nth(2).getAttribute('aria-pressed')).toBe('true');
  expect(await page.locator('dd').allTextContents()).toEqual([
    ...['Cléo', '14:01:30', '14:05:00', 'timed out', '14:03:20 card_moved'],
    '#6 user_timeout {"reason":"heartbeat_timeout","durationSeconds":210} proved',
  ]);
  expect(await page.getByRole('alert').textContent()).toBe('');
  expect(await rowsOf(page)).toEqual(
    items.map((_, index) => ({ number: String(index + 1), state: 'proved', isRed: false })),
  );
});

test('[AC9] the slider chooses a moment with the keyboard, and the status says who was here', async () => {
  const page = await open();
  await draw(page, items);
  const status = page.getByRole('status');
  expect(await status.textContent()).toBe('14:10:00 — nobody');
  await page.getByRole('slider', { name: 'Moment' }).focus();
  await page.keyboard.press('ArrowLeft');
  expect(await status.textContent()).toBe('14:09:59 — 1 person: Ada');
  await page.getByRole('slider').fill(String(begin + 250_000));
  expect(await status.textContent()).toBe('14:04:10 — 3 people: Ada, Bob, Cléo');
  await page.keyboard.press('Home');
  expect(await status.textContent()).toBe('14:00:00 — 1 person: Ada');
  expect(await page.getByRole('slider').getAttribute('aria-valuetext')).toBe('14:00:00');
});

test('[AC9] a row that was altered, removed, added or moved is red, and no row after it is proved', async () => {
  const page = await open();
  const seen = new Set<ChainFault>();
  for (const { name, forge, fault, sequence } of tamperings) {
    await draw(page, forge(items));
    const number = String(sequence ?? '–');
    const alarm = `Entry ${number} was ${english.states[fault]}. No entry after it is proved.`;
    expect([name, await page.getByRole('alert').textContent()]).toEqual([name, alarm]);
    const rows = await rowsOf(page);
    const red = rows.find((row) => row.number === number && row.state === english.states[fault]);
    expect([name, red?.isRed]).toEqual([name, true]);
    const later = rows.filter((row) => Number(row.number) > (sequence ?? 5));
    expect([name, later.filter(({ state }) => state === 'proved')]).toEqual([name, []]);
    const earlier = rows.filter((row) => Number(row.number) < (sequence ?? 6));
    expect([name, earlier.filter(({ state }) => state !== 'proved')]).toEqual([name, []]);
    expect(await page.locator('table').last().isVisible()).toBe(true);
    seen.add(fault);
  }
  expect([...seen].sort()).toEqual(['entry_added', 'entry_altered', 'entry_moved', 'link_missing', 'link_moved']);
});

test('[AC9] axe finds no problem in light and dark colours, wide and at 360 px, also with a fault', async () => {
  for (const width of [1000, 360]) {
    const page = await open({ viewport: { width, height: 800 } });
    for (const trail of [items, tamperings[0]!.forge(items)]) {
      await draw(page, trail);
      await page.locator('li button').first().click();
      // Both tables unfold with the keyboard.
      for (const name of ['Stays', 'Audit trail']) {
        const table = page.getByRole('table', { name: `${name} as a table` });
        if (await table.isVisible()) continue;
        await page.locator('summary').filter({ hasText: name }).press('Enter');
        await table.waitFor();
      }
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect([width, colorScheme, await faults(page)]).toEqual([width, colorScheme, []]);
      }
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect([width, overflow <= 0]).toEqual([width, true]);
    }
  }
});

/** Runs only on request, so that a normal run changes no file: `ROLLCALL_PICTURE=1 npm run test:check -- test/browser/timeline`. */
(process.env['ROLLCALL_PICTURE'] ? test : test.skip)('the picture shows a timeline with a changed entry', async () => {
  const page = await open({ viewport: { width: 900, height: 700 }, deviceScaleFactor: 1.5 });
  await draw(page, tamperings[0]!.forge(items));
  await page.locator('li button').last().click();
  const path = join(import.meta.dirname, '../../docs/images/timeline.png');
  await page.locator('#timeline').screenshot({ path, animations: 'disabled' });
});
