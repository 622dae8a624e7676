import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { fillTrail } from '../../bench/analytics/trail.ts';
import { fillFigures } from '../../bench/dashboard/busy-service.ts';
import { fillSessions } from '../../bench/dashboard/many-sessions.ts';
import { AnalyticsRollup } from '../../lambdas/analytics/rollup.ts';
import { useDashboard } from '../support/dashboard.ts';

/**
 * Runs only on request, so that a normal run changes no file: `ROLLCALL_PICTURE=1 npm test -- test/dashboard/picture`.
 */
const onRequest = process.env['ROLLCALL_PICTURE'] ? test : test.skip;
const dashboard = useDashboard();
const dayMillis = 86_400_000;
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

  const now = Date.now();
  const { session } = await stack.host('Olive', { isPublic: true, title: 'Garden day' });
  for (const name of ['Ada', 'Ben', 'Chiara']) {
    const person = await stack.arrive(name);
    await person.expect('session_joined', { type: 'session_join', sessionId: session.id });
  }
  await fillTrail(stack.database, {
    from: now - 30 * dayMillis,
    to: now - dayMillis,
    entries: 20_000,
    seed: 'picture',
  });
  const retention = { activityRetentionMillis: 90 * dayMillis, analyticsRetentionMillis: 730 * dayMillis };
  await new AnalyticsRollup({ pool: stack.database, clock: () => now, ...retention }).run(Number.POSITIVE_INFINITY);
  await fillSessions(stack.database, 300, 'Plan');
  const list = await dashboard.open('sessions?by=dollars', { ...screen, colorScheme: 'dark' });
  await list.page.locator('tbody tr').first().waitFor();
  await take(list.page, 'dashboard-sessions');
  const one = await dashboard.open(`sessions/${session.id}`, screen);
  await one.page.getByText('4 of at most').waitFor();
  await take(one.page, 'dashboard-session');
  const analytics = await dashboard.open('analytics', screen);
  await analytics.page.locator('canvas').first().waitFor();
  await take(analytics.page, 'dashboard-analytics');
});
