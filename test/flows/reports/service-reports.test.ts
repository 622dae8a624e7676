import { liveSessionPage } from '../../../lambdas/flows/reports/service-reports.ts';
import { Unavailable } from '../../../lambdas/platform/unavailable.ts';
import { testServices } from '../../support/test-services.ts';

const now = Date.UTC(2026, 4, 4, 12);
const page = (lastRound: () => Promise<number | undefined>) =>
  liveSessionPage(
    testServices({ clock: () => now, figures: { liveSessions: async () => [] }, deadlines: { lastRound } }),
    { by: 'people', limit: 50 },
  );

test.each<[string, boolean, () => Promise<number | undefined>]>([
  ['a sweep finished a round just now', true, async () => now - 1000],
  ['nobody is present, so that a sweep runs once a minute', true, async () => now - 65_000],
  ['no sweep finished a round for two minutes', false, async () => now - 120_000],
  ['no sweep ever ran', false, async () => undefined],
  ['Redis is away', false, () => Promise.reject(new Unavailable('redis', new Error('Redis is away.')))],
])('[OP3] the list of live sessions says whether it is current: %s', async (_, isCurrent, lastRound) => {
  expect(await page(lastRound)).toEqual({ items: [], isCurrent });
});
