import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { type Browser, chromium, type WebSocketRoute } from 'playwright-core';
import { figuresOf } from '../../lambdas/figures/figure-rows.ts';
import { FigureStore } from '../../lambdas/figures/figure-store.ts';
import { startLocalStack } from '../../local/stack.ts';
import { fillFigures } from '../dashboard/busy-service.ts';
import { loads, opened, rounds } from '../dashboard/loads.ts';
import { fillSessions } from '../dashboard/many-sessions.ts';
import { weekPages } from '../dashboard/week-pages.ts';
import { type Bench, type Measurement, median, timed } from '../measurement.ts';

const sessions = 10_000;
/** How many updates arrive in five and a half hours. */
const updates = 2000;
const slotMillis = 10_000;

/** The time of a search in the list, from the last key until its rows are shown. The page waits 300 ms for further keys. */
async function searches(browser: Browser, url: string): Promise<number> {
  const { page } = await opened(browser, url, 'tbody tr');
  const times: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const name = `Plan 99${round}`;
    times.push(
      await timed(async () => {
        await page.getByLabel('Search').fill(name);
        await page.locator('tbody tr').first().getByText(name).waitFor();
      }),
    );
  }
  await page.context().close();
  return median(times);
}

/** Sends many figures to a page, each as the service would, and measures its time and memory. */
async function manyUpdates(browser: Browser, url: string, figures: FigureStore): Promise<Measurement[]> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const sockets: WebSocketRoute[] = [];
  await page.routeWebSocket(/\/live/, (socket) => {
    socket.connectToServer();
    sockets.push(socket);
  });
  await page.goto(url);
  await page.locator('canvas').first().waitFor();
  const tools = await context.newCDPSession(page);
  await tools.send('Performance.enable');
  const read = async () => {
    await tools.send('HeapProfiler.collectGarbage');
    const { metrics } = await tools.send('Performance.getMetrics');
    return new Map(metrics.map(({ name, value }) => [name, value]));
  };
  const rows = await figures.rows(Date.now() - 120_000, Date.now() - 60_000);
  const begin = Math.ceil(Date.now() / slotMillis) * slotMillis;
  const send = async (from: number, to: number) => {
    for (let n = from; n < to; n += 1) {
      const at = begin + n * slotMillis;
      const row = rows[n % rows.length]!;
      sockets[0]!.send(JSON.stringify({ type: 'figures', figures: figuresOf(at, 10, [{ ...row, at }]) }));
    }
    const last = new Date(begin + to * slotMillis).toLocaleTimeString('en-GB');
    await page.locator('.updated').getByText(last).waitFor({ timeout: 300_000 });
  };
  // The plots of an hour are full before the measurement begins.
  await send(0, 400);
  const before = await read();
  await send(400, 400 + updates);
  const after = await read();
  const grown = (name: string) => after.get(name)! - before.get(name)!;
  await context.close();
  return [
    { what: 'an update of all plots', value: (grown('TaskDuration') * 1000) / updates, unit: 'ms of the page' },
    { what: 'heap before the updates', value: before.get('JSHeapUsedSize')! / 1e6, unit: 'MB' },
    {
      ...{ what: `heap after ${updates} updates`, value: after.get('JSHeapUsedSize')! / 1e6, unit: 'MB' },
      comparedWith: 'heap before the updates',
    },
    { what: 'nodes of the page that were added', value: grown('Nodes'), unit: 'nodes' },
  ];
}

async function measure(): Promise<Measurement[]> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'rollcall-dashboard-'));
  const stack = await startLocalStack({ dataDirectory, pages: true, schedules: false });
  const pool = new Pool({ connectionString: stack.addresses.databaseUrl, max: 2 });
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? 'chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    await fillFigures(pool, Date.now());
    await fillSessions(pool, sessions, 'Plan');
    const address = (view: string) => `${stack.http}/dashboard/#/${view}`;
    return [
      { what: 'from the address to the plots', value: await loads(browser, address(''), 'canvas'), unit: 'ms' },
      {
        what: `from the address to the list of ${sessions} sessions`,
        value: await loads(browser, address('sessions'), 'tbody tr'),
        unit: 'ms',
      },
      {
        what: `a search in ${sessions} sessions, with 300 ms of waiting`,
        value: await searches(browser, address('sessions')),
        unit: 'ms',
      },
      ...(await manyUpdates(browser, address(''), new FigureStore(pool))),
      ...(await weekPages(browser, address, pool)),
    ];
  } finally {
    await browser.close();
    await pool.end();
    await stack.close();
    await rm(dataDirectory, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  title: `The dashboard in Chromium, with ${sessions} sessions (medians of ${rounds}; nothing is cached)`,
  run: measure,
};
