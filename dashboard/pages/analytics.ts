import type { Api, ApiError } from '../data/api.ts';
import { formatMoment } from '../data/format.ts';
import { element, select } from '../view/dom.ts';
import { loading, notice } from '../view/notice.ts';
import { createReportCard } from '../view/report-card.ts';
import { createReportTables, type TableReports } from '../view/report-tables.ts';
import type { Context, View } from '../view/view.ts';
import { type PlottedReports, plots, type Step } from './reports.ts';

const dayMillis = 86_400_000;
const periods = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
] as const;
const steps = [
  ['day', 'days'],
  ['hour', 'hours'],
] as const;

/** What was counted over days: usage, people, causes of leaves, lengths, types of activity and the busiest sessions. */
export function analyticsView({ api, query, setQuery, onRefused }: Context): View {
  let days = periods.find(([value]) => value === query.get('days'))?.[0] ?? '30';
  let step: Step = query.get('step') === 'hour' ? 'hour' : 'day';
  let reading: AbortController | undefined;
  const state = element('div', { class: 'state' });
  const counted = element('p', { class: 'hint' });
  const csvOf = (name: string) => ({
    path: () => `/analytics/${name}?${periodQuery()}&format=csv&limit=1000`,
    name: `rollcall-${name}.csv`,
  });
  const cards = plots.map((plot) => createReportCard(plot, api, csvOf(plot.csv)));
  const tables = createReportTables(api, csvOf);
  const content = element(
    'div',
    { class: 'sections' },
    element('div', { class: 'cards' }, ...cards.map(({ root }) => root), ...tables.roots),
  );
  const choose = () => {
    setQuery({ days, step });
    void read();
  };
  const period = select('Period', periods, days, (value) => {
    days = value as typeof days;
    choose();
  });
  const stepChoice = select('In steps of', steps, step, (value) => {
    step = value as Step;
    choose();
  });
  const controls = element('div', { class: 'controls' }, period, stepChoice);
  const head = element(
    'div',
    { class: 'view-head' },
    element('div', {}, element('h1', {}, 'Analytics'), counted),
    controls,
  );
  const root = element('div', {}, head, state, content);

  function periodQuery(): string {
    const to = Date.now();
    return new URLSearchParams({ from: String(to - Number(days) * dayMillis), to: String(to), step }).toString();
  }

  async function read(): Promise<void> {
    reading?.abort();
    const own = new AbortController();
    reading = own;
    if (!state.firstChild) state.replaceChildren(loading('Reading the analytics …'));
    try {
      const found = await readAll(api, periodQuery(), own.signal);
      state.replaceChildren();
      content.hidden = false;
      const until = found.usage.countedUntil;
      counted.textContent =
        until === null
          ? 'Nothing was counted yet.'
          : `Counted until ${formatMoment(until)}. Days and hours are those of UTC.`;
      for (const card of cards) card.show(found, step);
      tables.show(found);
    } catch (error) {
      if (!own.signal.aborted) failed(error as ApiError);
    }
  }

  function failed({ failure, message }: ApiError): void {
    if (failure === 'signed-out' || failure === 'denied') {
      onRefused(failure);
      return;
    }
    const action = { label: 'Try again', run: () => void read() };
    state.replaceChildren(notice({ title: 'No analytics', text: message, action, isAlert: true }));
  }

  content.hidden = true;
  void read();
  return {
    ...{ title: 'Analytics', root, resume: () => void read() },
    close() {
      reading?.abort();
      for (const card of cards) card.close();
    },
  };
}

/** Reads all reports of a period, one request each. */
async function readAll(api: Api, query: string, signal: AbortSignal): Promise<PlottedReports & TableReports> {
  const names = ['usage', 'people', 'leaves', 'activities', 'lengths', 'sessions'] as const;
  const reports = await Promise.all(names.map((name) => api.read(`/analytics/${name}?${query}&limit=20`, signal)));
  return Object.fromEntries(names.map((name, index) => [name, reports[index]])) as unknown as PlottedReports &
    TableReports;
}
