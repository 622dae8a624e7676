import type { Locator, Page, WebSocketRoute } from 'playwright-core';
import { fillFigures } from '../../bench/dashboard/busy-service.ts';
import { fillSessions } from '../../bench/dashboard/many-sessions.ts';
import type { ServiceFigures } from '../../protocol/figures.ts';
import { tokenOf } from '../support/client.ts';
import { faultsOf, fits, useDashboard } from '../support/dashboard.ts';
import { readHttp } from '../support/http-api.ts';
import { stayPresent } from '../support/presence-frames.ts';

// The figures of the service in a browser.

const dashboard = useDashboard();

const card = (page: Page, id: string): Locator => page.locator(`[data-figure="${id}"]`);
const hasFigure = (page: Page, id: string, text: string) =>
  page.locator(`[data-figure="${id}"][data-value="${text}"]`).waitFor();
const isLive = (page: Page) => page.getByText('Live', { exact: true }).waitFor();

/** The table of a card: a list of the cells of each row. */
async function tableOf(page: Page, title: string): Promise<string[][]> {
  await page.getByRole('button', { name: `Show as table: ${title}` }).click();
  const table = page.getByRole('table', { name: title });
  await table.waitFor();
  return table.evaluate((node) =>
    [...(node as HTMLTableElement).rows].map(({ cells }) => [...cells].map((cell) => cell.textContent)),
  );
}

async function figuresOfService(query = ''): Promise<ServiceFigures[]> {
  const { stack } = dashboard;
  const { token } = await tokenOf(stack, 'root', { admin: true });
  const reply = await readHttp(stack, `/service/figures${query}`, token);
  return ((await reply.json()) as { items: ServiceFigures[] }).items;
}

test('[OP1] [OP3] the figures of the page follow people who join and leave, and equal those of the service', async () => {
  const { stack } = dashboard;
  const { page } = await dashboard.open();
  await isLive(page);
  const { owner, session } = await stack.host('olive', { isPublic: true, title: 'Stage plan' });
  const pat = await stack.arrive('pat');
  await pat.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await hasFigure(page, 'people', '2 people');
  await hasFigure(page, 'sessions', '1 session');
  const served = (await figuresOfService()).findLast(({ activeUsers }) => activeUsers === 2)!;
  expect(served).toMatchObject({ activeUsers: 2, activeSessions: 1, online: 2 });
  // On a busy machine the figures with one person may come after a minute, in which a silent owner times out.
  await stayPresent(owner, session.id);
  await pat.close();
  await hasFigure(page, 'people', '1 person');
  await card(page, 'movements').locator('.legend li').filter({ hasText: 'leaves: ' }).first().waitFor();
  const totals = (await figuresOfService()).reduce((sum, { joins }) => sum + joins, 0);
  expect(totals).toBeGreaterThan(0);
  await hasFigure(page, 'movements', totals === 1 ? '1 person' : `${totals} people`);
});

test('[OP3] each plot can be read as a table, with the values that the service has and the plot shows', async () => {
  await fillFigures(dashboard.stack.database, Date.now() - 60_000);
  const { page, requests } = await dashboard.open();
  await page.locator('canvas').first().waitFor();
  const clock = (at: number) => new Date(at).toLocaleTimeString('en-GB');
  const served = new Map(
    (await figuresOfService(`?${requests[0]!.split('?')[1]}`)).map((each) => [clock(each.at), each]),
  );
  const slider = card(page, 'people').getByRole('slider');
  await slider.focus();
  const seen = new Map<string, string>();
  for (let step = 0; step < 30; step += 1) {
    await page.keyboard.press(step === 0 ? 'End' : 'ArrowLeft');
    const [time, values] = (await slider.getAttribute('aria-valuetext'))!.split(': ');
    expect(await card(page, 'people').locator('.legend').textContent()).toContain(
      values!.split(', ')[1]!.split(' ')[1],
    );
    seen.set(time!, values!);
  }
  const [heads, ...rows] = await tableOf(page, 'People present');
  expect(heads).toEqual(['Time', 'people', 'online', 'away']);
  expect(rows.length).toBeGreaterThan(300);
  const number = (value: number) => `${value.toLocaleString('en')} ${value === 1 ? 'person' : 'people'}`;
  let compared = 0;
  for (const [time, people, online, away] of rows) {
    const figures = served.get(time!);
    // The service may have answered before the leading sweep wrote about the last step, which the plot got later.
    if (!figures?.sweeps) continue;
    compared += 1;
    expect([people, online, away]).toEqual([figures.activeUsers, figures.online, figures.away].map(number));
    if (seen.has(time!)) expect(seen.get(time!)).toBe(`people ${people}, online ${online}, away ${away}`);
  }
  expect(compared).toBeGreaterThan(300);
  expect(seen.size).toBeGreaterThan(20);
  const [costHeads, ...costs] = await tableOf(page, 'Cost of messages');
  expect(costHeads).toEqual(['Time', 'dollars per hour']);
  expect(costs.length).toBeGreaterThan(300);
  const precise = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
  for (const [time, cost] of costs) {
    const figures = served.get(time!);
    if (figures?.sweeps) expect(cost).toBe(`$${precise.format(figures.dollarsPerHour)} per hour`);
  }
});

test('[OP3] the number of requests does not depend on the number of sessions', async () => {
  const { stack } = dashboard;
  // Somebody is present, so a sweep makes figures.
  const { owner, session } = await stack.host('olive', { isPublic: true });
  await stayPresent(owner, session.id);
  await fillSessions(stack.database, 10_000, 'Plan');
  const opened = await dashboard.open();
  await card(opened.page, 'sessions').and(opened.page.locator('[data-value^="10,00"]')).waitFor();
  const times = new Set<string>();
  while (times.size < 3) {
    times.add((await opened.page.locator('.updated').textContent())!);
    await opened.page.waitForFunction(
      (known) => !known.includes(document.querySelector('.updated')!.textContent!),
      [...times],
    );
  }
  expect(opened.requests.filter((path) => path.startsWith('/service/figures?')).length).toBeLessThanOrEqual(2);
  expect(opened.requests.filter((path) => !path.startsWith('/service/figures?'))).toEqual([]);
  await stack.database.query(`DELETE FROM live_sessions WHERE seen_at > now() + interval '1 minute'`);
});

test('[CL3] after the socket drops, the page says so, connects again and goes on with the figures', async () => {
  const sockets: WebSocketRoute[] = [];
  let isReachable = true;
  const opened = await dashboard.open('', {}, (page) =>
    page.routeWebSocket(/\/live/, (socket) => {
      if (!isReachable) return void socket.close({ code: 1011 });
      socket.connectToServer();
      sockets.push(socket);
    }),
  );
  const { page, requests } = opened;
  await isLive(page);
  const before = await page.locator('.updated').textContent();
  isReachable = false;
  await Promise.all(sockets.map((socket) => socket.close({ code: 1011 })));
  await page.getByText('Connection lost, trying again').waitFor();
  expect(await faultsOf(opened)).toEqual([]);
  const read = requests.length;
  isReachable = true;
  await isLive(page);
  await page.waitForFunction((time) => document.querySelector('.updated')!.textContent !== time, before);
  expect(requests.slice(read).some((path) => path.startsWith('/service/figures'))).toBe(true);
});

test('if the service is too busy to send figures, the page asks again, and reads what it missed', async () => {
  let refused = 0;
  const { page, requests } = await dashboard.open('', {}, (page) =>
    page.routeWebSocket(/\/live/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        const { type, requestId } = JSON.parse(String(text)) as { type: string; requestId: string };
        if (type !== 'figures_watch' || refused === 4) return server.send(text);
        refused += 1;
        const message = 'The service is busy; try again.';
        socket.send(JSON.stringify({ type: 'error', code: 'UNAVAILABLE', message, retryable: true, requestId }));
      });
    }),
  );
  await page.locator('.updated').filter({ hasText: /\d/ }).waitFor();
  expect(refused).toBe(4);
  expect(requests.some((path) => path.startsWith('/service/figures?'))).toBe(true);
});

test('[OP1] a person without the scope of an operator sees why, and can use another account', async () => {
  const opened = await dashboard.open('', {}, (page) =>
    page.route('**/dev/token?*', (route) => route.continue({ url: route.request().url().replace('&admin=1', '') })),
  );
  const { page } = opened;
  const alert = page.getByRole('alert');
  await alert.getByRole('heading', { name: 'Not permitted' }).waitFor();
  expect(await page.locator('.card').count()).toBe(0);
  expect(await faultsOf(opened)).toEqual([]);
  // The browser itself reports the status of the answer, and a socket that is closed while it connects.
  expect(opened.complaints.splice(0).filter((text) => !/403|before the connection is established/.test(text))).toEqual(
    [],
  );
  await alert.getByRole('button', { name: 'Use another account' }).click();
  const { token } = await tokenOf(dashboard.stack, 'root', { admin: true });
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Open the dashboard' }).click();
  await isLive(page);
});

test('if the figures cannot be read, the page says so and reads them on request', async () => {
  let fails = true;
  const opened = await dashboard.open('', {}, async (page) => {
    await page.route('**/service/figures?*', (route) => (fails ? route.fulfill({ status: 503 }) : route.continue()));
    // Without figures of the socket the page does not try again by itself.
    await page.routeWebSocket(/\/live/, () => {});
  });
  const { page } = opened;
  await page.getByRole('heading', { name: 'No figures' }).waitFor();
  expect(await faultsOf(opened)).toEqual([]);
  expect(opened.complaints.splice(0).filter((text) => !text.includes('503'))).toEqual([]);
  fails = false;
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('canvas').first().waitFor();
});

test.each([
  ['a screen', {}],
  ['a phone', { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }],
])(
  'on %s the page has no fault of accessibility in light or dark, and needs no scrolling to the side',
  async (_, options) => {
    const opened = await dashboard.open('', options);
    await opened.page.locator('canvas').first().waitFor();
    await tableOf(opened.page, 'Latency');
    expect(await faultsOf(opened)).toEqual([]);
    expect(await fits(opened)).toBe(true);
  },
);
