import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { fillFigures } from '../../bench/dashboard/busy-service.ts';
import { fillWeek } from '../../bench/week/fill-week.ts';
import { useDashboard } from '../support/dashboard.ts';

/**
 * Runs only on request, so that a normal run changes no file: `ROLLCALL_PICTURE=1 npm test -- test/dashboard/picture`.
 */
const onRequest = process.env['ROLLCALL_PICTURE'] ? test : test.skip;
const dashboard = useDashboard();
const screen = { viewport: { width: 1280, height: 900 } };

const take = (page: Page, name: string) =>
  page.screenshot({ path: join(import.meta.dirname, '../../docs/images', `${name}.png`), animations: 'disabled' });

onRequest('the pictures show the figures, sessions and analytics of a busy service', async () => {
  const { stack } = dashboard;
  // Nobody is present yet, so no sweep adds its own figures.
  await fillFigures(stack.database, Date.now());
  const shown = await dashboard.open('', screen);
  await shown.page.locator('canvas').first().waitFor();
  await shown.page.getByText('Live', { exact: true }).waitFor();
  await take(shown.page, 'dashboard');
  const phone = { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 1.5 };
  const small = await dashboard.open('', phone);
  await small.page.locator('canvas').first().waitFor();
  await take(small.page, 'dashboard-phone');

  const [, session] = await fillWeek(stack.database, { sessions: 300, entries: 30_000, to: Date.now() });
  const list = await dashboard.open('sessions?by=dollars', { ...screen, colorScheme: 'dark' });
  await list.page.locator('tbody tr').first().waitFor();
  await take(list.page, 'dashboard-sessions');
  const { id, week } = session!;
  const timedOut = week.stays.find(({ cause }) => cause === 'timeout')!;
  const one = await dashboard.open(`sessions/${id}?at=${timedOut.joinedAt + 60_000}`, {
    viewport: { width: 1280, height: 1300 },
  });
  await one.page.getByText('No fault was found.').waitFor();
  await one.page
    .getByRole('button', { name: /timed out/ })
    .first()
    .click();
  await take(one.page, 'dashboard-session');
  const analytics = await dashboard.open('analytics?days=7&step=hour', screen);
  await analytics.page.locator('canvas').first().waitFor();
  await take(analytics.page, 'dashboard-analytics');
});
