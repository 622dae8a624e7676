import type { Pool } from 'pg';
import type { Browser } from 'playwright-core';
import { type Measurement, timed } from '../measurement.ts';
import { fillWeek } from '../week/fill-week.ts';
import { loads, opened } from './loads.ts';

const sizes = { sessions: 2000, entries: 200_000 };
const moves = 500;

/** Fills a stack with a week of 2,000 sessions, and measures the pages that show it. The sessions that were there before leave the list. */
export async function weekPages(
  browser: Browser,
  address: (view: string) => string,
  pool: Pool,
): Promise<Measurement[]> {
  await pool.query('DELETE FROM live_sessions');
  let large = '';
  let usual = '';
  let entries = 0;
  const filling = await timed(async () => {
    const [first, second] = await fillWeek(pool, { ...sizes, to: Date.now() });
    [large, usual, entries] = [first!.id, second!.id, first!.week.entries.length];
  });
  const sessionOf = (id: string) => loads(browser, address(`sessions/${id}`), 'text=No fault was found.');
  const ms = (what: string, value: number): Measurement => ({ what, value, unit: 'ms' });
  return [
    { what: `filling in ${sizes.sessions} sessions with ${sizes.entries} entries`, value: filling / 1000, unit: 's' },
    ms('week: from the address to the list of sessions', await loads(browser, address('sessions'), 'tbody tr')),
    ms('week: from the address to the verified trail of a usual session', await sessionOf(usual)),
    ms(`week: from the address to the verified trail of ${entries} entries`, await sessionOf(large)),
    ms('week: from the address to the plots of the analytics', await loads(browser, address('analytics'), 'canvas')),
    ...(await sliderMoves(browser, address(`sessions/${large}`), entries)),
  ];
}

/** Moves the slider many times, each in a frame of its own, and measures the time of the page. */
async function sliderMoves(browser: Browser, url: string, entries: number): Promise<Measurement[]> {
  const { page } = await opened(browser, url, 'text=No fault was found.');
  const tools = await page.context().newCDPSession(page);
  await tools.send('Performance.enable');
  const taskSeconds = async () => {
    const { metrics } = await tools.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value;
  };
  const before = await taskSeconds();
  await page.evaluate(async (many) => {
    const slider = document.querySelector<HTMLInputElement>('.rollcall-timeline input')!;
    const [from, to] = [Number(slider.min), Number(slider.max)];
    for (let n = 0; n < many; n += 1) {
      slider.value = String(from + ((to - from) * n) / many);
      slider.dispatchEvent(new Event('input'));
      await new Promise(requestAnimationFrame);
    }
  }, moves);
  const value = ((await taskSeconds()) - before) * 1000;
  await page.context().close();
  return [{ what: `week: a move of the slider over ${entries} entries`, value: value / moves, unit: 'ms of the page' }];
}
