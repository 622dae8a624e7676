import type { Page } from 'playwright-core';
import { fillWeek } from '../../bench/week/fill-week.ts';
import type { FilledSession } from '../../bench/week/filled-session.ts';
import { formatMoment } from '../../dashboard/data/format.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { faultsOf, fits, useDashboard } from '../support/dashboard.ts';
import { trulyPresent } from '../support/week-truth.ts';

const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
const number = (count: number) => count.toLocaleString('en');
/** The names of a list such as `09:12 — 2 people: Ada, Ben`. */
const namesOf = (sentence: string) => sentence.split(/: (?=\D*$)/)[1]?.split(', ') ?? [];

/** The pages of a service with many sessions and a week behind it. What they show is compared with what the simulation knows. */
export function testWeek(sizes: { sessions: number; entries: number }): void {
  const dashboard = useDashboard();
  let sessions: FilledSession[];
  let largest: FilledSession;
  const titles = (page: Page) => page.locator('tbody th').allTextContents();
  const openSession = async ({ id }: FilledSession, at?: number, options = {}) => {
    const opened = await dashboard.open(`sessions/${id}${at === undefined ? '' : `?at=${at}`}`, options);
    await opened.page.getByText('No fault was found.').waitFor();
    return opened;
  };
  const says = (page: Page) => page.locator('.rollcall-timeline [role=status]').textContent();
  const present = ({ week }: FilledSession, at: number) => trulyPresent(week, at).map(({ username }) => username);

  beforeAll(async () => {
    sessions = await fillWeek(dashboard.stack.database, { ...sizes, to: Date.now() });
    largest = sessions[0]!;
  });

  test('the week has the sessions and the entries that were asked for, and each entry is sealed', async () => {
    const { rows } = await dashboard.stack.database.query(
      `SELECT (SELECT count(*)::int FROM collaboration_sessions) AS sessions, (SELECT count(*)::int FROM activity_log) AS entries,
         (SELECT count(*)::int FROM activity_seals) AS seals, (SELECT count(*)::int FROM activity_unsealed) AS waiting`,
    );
    expect(rows).toEqual([{ ...sizes, seals: sizes.entries, waiting: 0 }]);
    const causes = new Set(sessions.flatMap(({ week }) => week.stays.map(({ cause }) => cause)));
    expect([...causes].map(String).sort()).toEqual(['disconnected', 'left', 'null', 'session_expired', 'timeout']);
  });

  test('[OP2] the service pages, sorts and searches the sessions of the week', async () => {
    const { page } = await dashboard.open('sessions', {}, (each) => each.routeWebSocket(/\/live/, () => {}));
    const here = sessions
      .map((session) => ({ ...session, people: trulyPresent(session.week, session.week.to).length }))
      .filter(({ people }) => people > 0);
    const seen: string[] = [];
    for (let first = 1; first <= 76; first += 25) {
      await page.getByText(`${first} to ${first + 24}`, { exact: true }).waitFor();
      seen.push(...(await titles(page)));
      await page.getByRole('button', { name: 'Next page' }).click();
    }
    expect(new Set(seen).size).toBe(100);
    const byTitle = new Map(here.map(({ title, people }) => [title, people]));
    const shown = seen.map((title) => byTitle.get(title)!);
    expect(shown).toEqual([...byTitle.values()].sort((one, other) => other - one).slice(0, 100));
    const [word] = largest.title.split(' ');
    await page.getByLabel('Search').fill(word!.toUpperCase());
    const matching = here.filter(({ title }) => title.startsWith(word!));
    const size = Math.min(25, matching.length);
    await page.getByText(`1 to ${size}`, { exact: true }).waitFor();
    await page.waitForFunction(
      (start) => [...document.querySelectorAll('tbody th')].every(({ textContent }) => textContent.startsWith(start)),
      word!,
    );
    expect(await titles(page)).toHaveLength(size);
    await page.getByLabel('Search').fill(largest.name);
    await page.waitForFunction((title) => document.querySelector('tbody th')?.textContent === title, largest.title);
  });

  test('[PR9] the slider of the page says who was here at 40 random moments, as the simulation knows it', async () => {
    const random = new SeededRandom(sizes.entries);
    const { week } = largest;
    const { page } = await openSession(largest);
    const slider = page.getByRole('slider', { name: 'Moment' });
    const [min, max] = await Promise.all(['min', 'max'].map(async (name) => Number(await slider.getAttribute(name))));
    // The thumb, which is sixteen pixels wide, is above the line in the bars.
    const [thumbs, line] = await Promise.all([
      slider.evaluate(
        (node) => node.getBoundingClientRect().left + Number.parseFloat(getComputedStyle(node).paddingLeft),
      ),
      page
        .locator('.rollcall-timeline li > div')
        .first()
        .evaluate((node) => node.getBoundingClientRect().left),
    ]);
    expect(Math.abs(thumbs + 8 - line)).toBeLessThan(3);
    const counts = new Set<number>();
    for (let n = 0; n < 40; n += 1) {
      await slider.fill(String(min! + 1000 * random.below(Math.floor((max! - min!) / 1000))));
      const at = Number(await slider.inputValue());
      const names = namesOf((await says(page))!);
      expect({ at, names }).toEqual({ at, names: present(largest, at) });
      counts.add(names.length);
    }
    expect(counts.size).toBeGreaterThan(4);
    expect(week.stays.length).toBeGreaterThan(100);
  });

  test('after the slider moved three hundred times without a rest, the address has the last moment, and a reload shows it', async () => {
    const { page } = await openSession(largest);
    const last = await page.evaluate(async () => {
      const slider = document.querySelector<HTMLInputElement>('.rollcall-timeline input')!;
      for (let n = 300; n > 0; n -= 1) {
        slider.value = String(Number(slider.min) + 1000 * n);
        slider.dispatchEvent(new Event('input'));
        await new Promise(requestAnimationFrame);
      }
      return slider.value;
    });
    await page.waitForURL((url) => url.hash.endsWith(`?at=${last}`));
    const before = await says(page);
    await page.reload();
    await page.getByText('No fault was found.').waitFor();
    expect(await says(page)).toBe(before);
  });

  test('[PR9] an address with a moment shows who was here then, to the millisecond', async () => {
    const random = new SeededRandom(sizes.sessions);
    for (let n = 0; n < 10; n += 1) {
      const session = random.one(sessions);
      const at = random.one(session.week.times) + random.int(-1, 1);
      const { page } = await openSession(session, at);
      expect({ at, names: namesOf((await says(page))!) }).toEqual({ at, names: present(session, at) });
      await page.context().close();
    }
  });

  test('[AC9] each stay is a bar with its cause, and a chosen bar says why the person left, the last sign of life and the entry', async () => {
    const opened = await openSession(largest);
    const { page } = opened;
    const { stays, entries } = largest.week;
    const bars = page.locator('.rollcall-timeline li button');
    expect(await bars.count()).toBe(stays.length);
    for (const [cause, words, type] of [
      ['timeout', 'timed out', 'user_timeout'],
      ['disconnected', 'disconnected', 'user_left'],
      ['session_expired', 'session expired', 'session_expired'],
    ] as const) {
      const stay = stays.find((each) => each.cause === cause)!;
      const departure = entries.find(
        (entry) =>
          entry.type === type && entry.at === stay.leftAt && (entry.userId === stay.userId || entry.userId === null),
      )!;
      const own = entries.filter(
        ({ userId, at, type }) =>
          userId === stay.userId && at! >= stay.joinedAt && at! < stay.leftAt! && !/left|timeout/.test(type),
      );
      const last = own.toSorted((one, other) => one.at! - other.at!).at(-1)!;
      await page.locator(`.rollcall-timeline li [data-id="${await idOf(stay)}"]`).click();
      const facts = await page.locator('.rollcall-timeline dd').allTextContents();
      expect(facts.slice(0, 1)).toEqual([stay.username]);
      expect(facts[3]).toContain(words);
      expect(facts[4]).toBe(`${formatMoment(last.at!)} ${last.type}`);
      expect(facts[5]).toMatch(new RegExp(`^#\\d+ ${type} \\{.*\\} proved$`));
      expect(JSON.parse(/\{.*\}/.exec(facts[5]!)![0])).toEqual(departure.details);
    }
    await page
      .getByText(`${number(entries.length)} of ${number(entries.length)} entries are as they were sealed`)
      .waitFor();
    await page.getByText('Checkpoints that prove them: 1.').waitFor();
    expect(await faultsOf(opened)).toEqual([]);

    async function idOf({ userId, joinedAt }: { userId: string; joinedAt: number }): Promise<string> {
      const { rows } = await dashboard.stack.database.query(
        `SELECT id FROM activity_log WHERE session_id = $1 AND user_id = $2 AND activity_type = 'user_joined'
           AND created_at = to_timestamp($3::float8 / 1000)`,
        [largest.id, userId, joinedAt],
      );
      return rows[0].id;
    }
  });

  test('[AN2] the analytics count the joins and the causes of the week', async () => {
    const opened = await dashboard.open('analytics');
    const { page } = opened;
    await page.locator('canvas').first().waitFor();
    const stays = sessions.flatMap(({ week }) => week.stays);
    expect(await page.locator('[data-report="usage"] .figure').textContent()).toBe(number(stays.length));
    await page.getByRole('button', { name: 'Show as table: Leaves by cause' }).click();
    const table = page.getByRole('table', { name: 'Leaves by cause' });
    const heads = await table.locator('thead th').allTextContents();
    const column = heads.findIndex((head) => /timed out/.test(head));
    const cells = await table.locator(`tbody tr > :nth-child(${column + 1})`).allTextContents();
    const sum = cells.reduce((total, text) => total + Number(text.replace(/\D/g, '')), 0);
    expect(sum).toBe(stays.filter(({ cause }) => cause === 'timeout').length);
    expect(await faultsOf(opened)).toEqual([]);
  });

  test('the pages of the week fit on a phone and have no fault of accessibility in light and dark', async () => {
    const list = await dashboard.open('sessions', phone);
    await list.page.locator('tbody tr').first().waitFor();
    expect(await fits(list)).toBe(true);
    expect(await faultsOf(list)).toEqual([]);
    const one = await openSession(largest, largest.week.from + 3 * 86_400_000, phone);
    expect(await fits(one)).toBe(true);
    expect(await faultsOf(one)).toEqual([]);
    const analytics = await dashboard.open('analytics', phone);
    await analytics.page.locator('canvas').first().waitFor();
    expect(await fits(analytics)).toBe(true);
    expect(await faultsOf(analytics)).toEqual([]);
  });
}
