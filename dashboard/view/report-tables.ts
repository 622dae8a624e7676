import type { Api } from '../data/api.ts';
import { formatNumber, formatSeconds } from '../data/format.ts';
import type { Report } from '../pages/reports.ts';
import { addressOf } from '../route.ts';
import { type Csv, csvButton } from './csv-button.ts';
import { type Child, element, link } from './dom.ts';
import { createTable } from './table.ts';

interface Length {
  of: 'stay' | 'session';
  fromSeconds: number;
  toSeconds: number | null;
  count: number;
}

interface Busy {
  day: string;
  sessionId: string;
  name: string | null;
  key: string | null;
  entries: number;
  joins: number;
}

/** The reports that are tables. */
export interface TableReports {
  activities: Report<{ activityType: string | null; count: number }>;
  lengths: Report<Length> & { meanStaySeconds: number | null; meanSessionSeconds: number | null };
  sessions: Report<Busy>;
}

/** The reports whose rows have no time: lengths, types of activity and the busiest sessions. */
export function createReportTables(api: Api, csvOf: (name: keyof TableReports) => Csv) {
  const stays = tableCard(api, 'Lengths of stays', ['Length', 'Stays', 'Share'], csvOf('lengths'));
  const sessions = tableCard(api, 'Lengths of sessions', ['Length', 'Sessions', 'Share'], csvOf('lengths'));
  const types = tableCard(api, 'Types of activity', ['Type', 'Entries', 'Share'], csvOf('activities'));
  const busy = tableCard(api, 'Busiest sessions', ['Session', 'Day (UTC)', 'Entries', 'Joins'], csvOf('sessions'));
  busy.root.classList.add('wide');
  return {
    roots: [stays.root, sessions.root, types.root, busy.root],
    show({ lengths, activities, sessions: busiest }: TableReports): void {
      stays.show(meanText(lengths.meanStaySeconds), lengthRows(lengths, 'stay'));
      sessions.show(meanText(lengths.meanSessionSeconds), lengthRows(lengths, 'session'));
      types.show(
        '',
        withBars(activities.items.map(({ activityType, count }) => [activityType ?? 'all others', count])),
      );
      busy.show('The twenty busiest; the CSV has all.', busiest.items.map(busyRow));
    },
  };
}

function tableCard(api: Api, title: string, columns: string[], csv: Csv) {
  const isNumber = (column: number) => columns[column] !== 'Share' && column > (columns[1] === 'Day (UTC)' ? 1 : 0);
  const table = createTable({ caption: title, columns, isNumber, quietCaption: true });
  const about = element('p', { class: 'about' });
  const empty = element('p', { class: 'plot-empty' }, 'Nothing was counted in this period. Choose a longer one.');
  const heading = element('h2', { class: 'card-title' }, title);
  return {
    root: element('section', { class: 'card' }, heading, about, empty, table.root, csvButton(api, title, csv)),
    show(text: string, rows: Child[][]): void {
      about.textContent = text;
      empty.hidden = rows.length > 0;
      table.root.hidden = rows.length === 0;
      table.show(rows);
    },
  };
}

const meanText = (seconds: number | null) => (seconds === null ? '' : `${formatSeconds(seconds)} on average.`);

function lengthRows({ items }: TableReports['lengths'], kind: Length['of']): Child[][] {
  const some = items.filter(({ of }) => of === kind);
  if (some.every(({ count }) => count === 0)) return [];
  return withBars(
    some.map(({ fromSeconds, toSeconds, count }) => [
      toSeconds === null
        ? `${formatSeconds(fromSeconds)} and longer`
        : `${formatSeconds(fromSeconds)} to ${formatSeconds(toSeconds)}`,
      count,
    ]),
  );
}

/** Rows of a name and a number, with a bar as long as the number. */
function withBars(rows: readonly (readonly [name: string, count: number])[]): Child[][] {
  const most = Math.max(1, ...rows.map(([, count]) => count));
  return rows.map(([name, count]) => {
    const bar = element('span', { class: 'bar', attributes: { 'aria-hidden': 'true' } });
    bar.style.inlineSize = `${(100 * count) / most}%`;
    return [name, formatNumber(count), bar];
  });
}

function busyRow({ sessionId, name, key, day, entries, joins }: Busy): Child[] {
  const address = addressOf(['sessions', sessionId], new URLSearchParams());
  const shown = key ?? name ?? sessionId;
  // A session without a name was deleted.
  return [name ? link(shown, address) : shown, day, formatNumber(entries), formatNumber(joins)];
}
