import type { Page } from 'playwright-core';
import { fillSessions } from '../../bench/dashboard/many-sessions.ts';
import { faultsOf, fits, type Opened, useDashboard } from '../support/dashboard.ts';
import { stayPresent } from '../support/presence-frames.ts';
import { agentOf, agentRoute, call, createKey } from '../support/server-api.ts';

// The list of sessions with people, and the page of one session.

const dashboard = useDashboard();
const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };

/** The titles of the list. */
const titles = (page: Page) => page.locator('tbody th').allTextContents();
const firstIs = (page: Page, title: string) =>
  page.locator('tbody tr').first().getByText(title, { exact: true }).waitFor();

/** The requests for the list that an action causes. */
async function asked({ requests }: Opened, action: () => Promise<void>): Promise<URLSearchParams[]> {
  const before = requests.length;
  await action();
  return requests.slice(before).map((path) => new URLSearchParams(path.split('?')[1]));
}

beforeAll(() => fillSessions(dashboard.stack.database, 60, 'Plan'));

test('[OP2] the service sorts, searches and pages the list, with one request for each, and the address has all three', async () => {
  // Without figures of the socket nothing is read between the actions.
  const opened = await dashboard.open('sessions', {}, (page) => page.routeWebSocket(/\/live/, () => {}));
  const { page, requests } = opened;
  await firstIs(page, 'Plan 1');
  expect(await titles(page)).toHaveLength(25);
  expect(requests).toHaveLength(1);
  const [next] = await asked(opened, async () => {
    await page.getByRole('button', { name: 'Next page' }).click();
    await firstIs(page, 'Plan 26');
  });
  expect([next!.get('by'), next!.get('limit')]).toEqual(['people', '25']);
  expect(page.url()).toContain(`before=${next!.get('before')}`);
  await page.getByText('26 to 50').waitFor();
  const [back] = await asked(opened, async () => {
    await page.getByRole('button', { name: 'Previous page' }).click();
    await firstIs(page, 'Plan 1');
  });
  expect(back!.has('before')).toBe(false);
  const [sorted] = await asked(opened, async () => {
    await page.getByRole('button', { name: 'Cost per hour' }).click();
    await firstIs(page, 'Plan 60');
  });
  expect(sorted!.get('by')).toBe('dollars');
  expect(await page.locator('th[aria-sort="descending"]').textContent()).toBe('Cost per hour');
  const [found] = await asked(opened, async () => {
    await page.getByLabel('Search').fill('plan 5');
    await firstIs(page, 'Plan 59');
  });
  expect(found!.get('search')).toBe('plan 5');
  expect(await titles(page)).toHaveLength(11);
  expect(requests.length).toBe(5);
  await page.reload();
  await firstIs(page, 'Plan 59');
  expect(await page.getByLabel('Search').inputValue()).toBe('plan 5');
  await page.getByLabel('Search').fill('nowhere');
  await page.getByRole('heading', { name: 'Nothing found' }).waitFor();
  expect(await faultsOf(opened)).toEqual([]);
  await page.getByRole('button', { name: 'Clear the search' }).click();
  await firstIs(page, 'Plan 60');
  expect(await faultsOf(opened)).toEqual([]);
});

test('[OP2] a session opens by keyboard, and its page shows its people, who was here at a time, and whether its trail is whole', async () => {
  const { stack } = dashboard;
  const { owner, session } = await stack.host('olive', { isPublic: true, title: 'Stage plan' });
  // On a busy machine the test may take longer than the minute after which a silent owner times out.
  await stayPresent(owner, session.id);
  const pat = await stack.arrive('pat');
  await pat.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await pat.expect('session_left', { type: 'session_leave', sessionId: session.id });
  const opened = await dashboard.open('sessions?search=stage');
  const { page } = opened;
  const row = page.getByRole('link', { name: 'Stage plan' });
  await row.waitFor();
  await row.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Stage plan active' }).waitFor();
  expect(page.url()).toContain(`#/sessions/${session.id}`);
  const people = page.getByRole('table', { name: 'Participants' });
  expect(await people.locator('tbody th').allTextContents()).toContain('Olive');
  await page.getByText(/^(–|1) of at most 50$/).waitFor();
  await page.getByText(/— 1 person: Olive$/).waitFor();
  await page.getByRole('button', { name: /^Pat, .*, left$/ }).waitFor();
  const { rows } = await stack.database.query<{ at: number }>(
    `SELECT (extract(epoch FROM created_at) * 1000)::float8 AS at FROM activity_log WHERE session_id = $1 AND activity_type = 'user_left'`,
    [session.id],
  );
  const address = `${stack.http}/dashboard/#/sessions/${session.id}?at=${Math.floor(rows[0]!.at) - 1}`;
  await page.goto('about:blank');
  await page.goto(address);
  await page.getByText(/— 2 people: Olive, Pat$/).waitFor();
  const slider = page.getByRole('slider', { name: 'Moment' });
  await slider.focus();
  await page.keyboard.press('End');
  await page.getByText(/— 1 person: Olive$/).waitFor();
  await page.getByText('No fault was found.').waitFor();
  const { rowCount } = await stack.database.query('SELECT 1 FROM activity_log WHERE session_id = $1', [session.id]);
  await page.getByText(new RegExp(`of ${rowCount} entries|Not sealed yet: ${rowCount}`)).waitFor();
  expect(await faultsOf(opened)).toEqual([]);
});

test('[OP4] the page of a private session shows an entry that was changed, and that of an unknown session leads back', async () => {
  const { stack } = dashboard;
  const { session } = await stack.host('olive', { isPublic: false, title: 'Secret plan' });
  await stack.fireSchedule('CleanupSweep');
  const changed = await stack.database.query(
    `UPDATE activity_log SET username = 'Eve' WHERE session_id = $1 AND activity_type = 'user_joined'`,
    [session.id],
  );
  expect(changed.rowCount).toBe(1);
  const opened = await dashboard.open(`sessions/${session.id}`);
  const { page } = opened;
  await page.getByRole('heading', { name: 'Secret plan' }).waitFor();
  await page.getByText(/^Entry \d was changed after it was written/).waitFor();
  const red = page.getByRole('row').filter({ hasText: 'changed after it was written' });
  expect(await red.locator('td').allTextContents()).toContain('user_joined');
  expect(await faultsOf(opened)).toEqual([]);
  await page.goto(`${dashboard.stack.http}/dashboard/#/sessions/SESSION-NONE`);
  await page.getByRole('heading', { name: 'There is no such session' }).waitFor();
  expect(await faultsOf(opened)).toEqual([]);
  await page.getByRole('button', { name: 'Show all sessions' }).click();
  await page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
  expect(opened.complaints.splice(0).filter((text) => !/403|404/.test(text))).toEqual([]);
});

test('the list stays while the service does not answer, and the page asks for one token', async () => {
  let fails = false;
  const opened = await dashboard.open('sessions', {}, async (page) => {
    await page.routeWebSocket(/\/live/, () => {});
    await page.route('**/service/sessions?*', (route) => (fails ? route.fulfill({ status: 503 }) : route.continue()));
  });
  const { page } = opened;
  await firstIs(page, 'Plan 1');
  fails = true;
  await page.getByRole('button', { name: 'Next page' }).click();
  await page.getByText('The service is busy; the page tries again by itself.').waitFor();
  expect(await titles(page)).toHaveLength(25);
  fails = false;
  await page.getByRole('button', { name: 'Cost per hour' }).click();
  await firstIs(page, 'Plan 60');
  expect(opened.tokens).toBe(1);
  expect(opened.complaints.splice(0).filter((text) => !text.includes('503'))).toEqual([]);
});

test('the list and the page of a session fit on a phone', async () => {
  const opened = await dashboard.open('sessions', phone);
  const { page } = opened;
  await firstIs(page, 'Plan 1');
  expect(await fits(opened)).toBe(true);
  expect(await faultsOf(opened)).toEqual([]);
  await page.getByRole('link', { name: 'Plan 1', exact: true }).click();
  await page.getByRole('heading', { name: 'Plan 1' }).waitFor();
  expect(await fits(opened)).toBe(true);
  expect(await faultsOf(opened)).toEqual([]);
});

test('[OP3] an empty list says that nobody is here only if that is known', async () => {
  for (const [isCurrent, title] of [
    [true, 'Nobody is here'],
    [false, 'Not known now'],
  ] as const) {
    const opened = await dashboard.open('sessions', {}, (page) =>
      page.route('**/service/sessions?*', (route) => route.fulfill({ json: { items: [], isCurrent } })),
    );
    await opened.page.getByRole('heading', { name: title }).waitFor();
    expect(await faultsOf(opened)).toEqual([]);
  }
});

test('[SA10] the page of a session shows an agent as one, with the user for whom it acts', async () => {
  const { stack } = dashboard;
  const { owner, session } = await stack.host('olive', { isPublic: true, title: 'Helped plan' });
  const key = await createKey(stack, ['agents']);
  const body = { name: 'Writer', onBehalfOf: owner.userId };
  agentOf(await call(stack, agentRoute('PUT', session.id, 'writer'), { as: key.secret, body }));
  const opened = await dashboard.open(`sessions/${session.id}`);
  const { page } = opened;
  const people = page.getByRole('table', { name: 'Participants' });
  await people.getByText('Writer (agent on behalf of Olive)').waitFor();
  await page.getByText(/— 2 people: Olive, Writer \(agent\)$/).waitFor();
  expect(await faultsOf(opened)).toEqual([]);
});

test('[OP2] a later page that is opened by its address shows no range, because its number is not known', async () => {
  await fillSessions(dashboard.stack.database, 60, 'Range');
  const opened = await dashboard.open('sessions?search=range', {}, (page) => page.routeWebSocket(/\/live/, () => {}));
  const { page } = opened;
  for (const range of ['26 to 50', '51 to 60']) {
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByText(range).waitFor();
  }
  const address = page.url();
  await page.goto('about:blank');
  await page.goto(address);
  await firstIs(page, 'Range 51');
  expect(await page.locator('p.hint[role=status]').textContent()).toBe('');
  await page.getByRole('button', { name: 'Previous page' }).click();
  await page.getByText('1 to 25').waitFor();
});
