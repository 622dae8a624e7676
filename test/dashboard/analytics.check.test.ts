import { text } from 'node:stream/consumers';
import { fillTrail } from '../../bench/analytics/trail.ts';
import { AnalyticsRollup } from '../../lambdas/analytics/rollup.ts';
import { tokenOf } from '../support/client.ts';
import { faultsOf, fits, useDashboard } from '../support/dashboard.ts';
import { readHttp } from '../support/http-api.ts';

// The analytics in a browser.

const dashboard = useDashboard();
const dayMillis = 86_400_000;
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
let token: string;

beforeAll(async () => {
  const { database } = dashboard.stack;
  const now = Date.now();
  await fillTrail(database, { from: now - 20 * dayMillis, to: now, entries: 3000, seed: 'analytics page' });
  const retention = { activityRetentionMillis: 90 * dayMillis, analyticsRetentionMillis: 730 * dayMillis };
  await new AnalyticsRollup({ pool: database, clock: () => now, ...retention }).run(Number.POSITIVE_INFINITY);
  ({ token } = await tokenOf(dashboard.stack, 'root', { admin: true }));
});

async function report<Item>(path: string): Promise<Item[]> {
  const reply = await readHttp(dashboard.stack, path, token);
  return ((await reply.json()) as { items: Item[] }).items;
}

test('[AN2] the plots, tables and files of the analytics have the rows of the reports, and each report is one request', async () => {
  const opened = await dashboard.open('analytics');
  const { page, requests } = opened;
  await page.locator('canvas').first().waitFor();
  expect(requests.filter((path) => path.startsWith('/analytics/'))).toHaveLength(6);
  const usage = requests.find((path) => path.startsWith('/analytics/usage'))!;
  const items = await report<{ at: number; joins: number; leaves: number; peakPeople: number }>(usage);
  expect(items.reduce((sum, { joins }) => sum + joins, 0)).toBeGreaterThan(100);
  const card = page.locator('[data-report="usage"]');
  const total = items.reduce((sum, { joins }) => sum + joins, 0).toLocaleString('en');
  expect(await card.locator('.figure').textContent()).toBe(total);
  expect(await page.locator('[data-report="peak"] .figure').textContent()).toBe(
    Math.max(...items.map(({ peakPeople }) => peakPeople)).toLocaleString('en'),
  );
  await card.getByRole('button', { name: /^Show as table/ }).click();
  const table = page.getByRole('table', { name: 'Joins and leaves' });
  const rows = await table.evaluate((node) =>
    [...(node as HTMLTableElement).tBodies[0]!.rows].map(({ cells }) => [...cells].map((cell) => cell.textContent)),
  );
  const word = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? 'person' : 'people'}`;
  expect(rows.map(([, ...values]) => values)).toEqual(
    items.map(({ joins, leaves }) => [word(joins), word(leaves)]).reverse(),
  );
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download CSV: Joins and leaves' }).click(),
  ]);
  const csv = await text(await download.createReadStream());
  expect(download.suggestedFilename()).toBe('rollcall-usage.csv');
  const [head, ...lines] = csv.trim().split(/\r?\n/);
  expect(head).toContain('joins');
  expect(lines).toHaveLength(items.length);
  const busiest = await report<{ entries: number }>(requests.find((path) => path.startsWith('/analytics/sessions'))!);
  const shown = await page
    .getByRole('table', { name: 'Busiest sessions' })
    .locator('tbody tr td:nth-of-type(2)')
    .allTextContents();
  expect(shown).toEqual(busiest.map(({ entries }) => entries.toLocaleString('en')));
  await page.getByLabel('In steps of').selectOption('hour');
  await page.getByLabel('Period').selectOption('7');
  await page.waitForFunction(
    () => document.querySelector('[data-report="usage"] th')?.textContent?.startsWith('Hour') ?? true,
  );
  expect(page.url()).toContain('days=7&step=hour');
  expect(await faultsOf(opened)).toEqual([]);
});

test('the analytics have no fault of accessibility on a phone and fit', async () => {
  const opened = await dashboard.open('analytics?days=90', phone);
  await opened.page.locator('canvas').first().waitFor();
  expect(await fits(opened)).toBe(true);
  expect(await faultsOf(opened)).toEqual([]);
});
