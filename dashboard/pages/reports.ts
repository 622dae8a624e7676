import { formatStep, type Unit } from '../data/format.ts';
import { causeWord } from '../figures/cards.ts';
import type { PlotData } from '../figures/plot-data.ts';

export type Step = 'hour' | 'day';

/** A report of the analytics as the service answers it. */
export interface Report<Item> {
  from: number;
  to: number;
  countedUntil: number | null;
  items: Item[];
}

interface Usage {
  at: number;
  joins: number;
  leaves: number;
  peakPeople: number;
  sessionsCreated: number;
  sessionsEnded: number;
}

/** The reports that plots show. */
export interface PlottedReports {
  usage: Report<Usage>;
  people: Report<{ at: number; people: number; returning: number; firstTime: number }>;
  leaves: Report<{ at: number; cause: string; count: number }>;
}

/** A plot of a report, with its large figure. */
export interface ReportPlot {
  id: string;
  title: string;
  about: string;
  /** The report that has its rows as CSV. */
  csv: keyof PlottedReports;
  /** The steps are days, whatever step was chosen. */
  isDaily?: boolean;
  unit: Unit;
  /** The words behind the large figure, for one and for several. */
  word: readonly [one: string, many: string];
  /** How the values make the large figure: the sum or the largest value of the first line, or the sum of all lines. */
  figure: 'sum' | 'most' | 'total';
  /** The lines: for each a label and its value in each step. */
  data(reports: PlottedReports): PlotData;
}

const usageData =
  (unit: Unit, lines: Partial<Record<keyof Usage, string>>) =>
  ({ usage: { from, to, items } }: PlottedReports): PlotData => ({
    ...{ from, to, unit, labels: Object.values(lines), times: items.map(({ at }) => at) },
    values: (Object.keys(lines) as (keyof Usage)[]).map((name) => items.map((item) => item[name])),
  });

/** The report leaves out days on which nobody was there. */
function peopleData({ people: { from, to, items } }: PlottedReports): PlotData {
  const dayMillis = 86_400_000;
  const times = Array.from({ length: Math.round((to - from) / dayMillis) }, (_, day) => from + day * dayMillis);
  const rows = new Map(items.map((item) => [item.at, item]));
  return {
    ...{ from, to, times, unit: 'people', labels: ['people', 'returning', 'first time'] },
    values: (['people', 'returning', 'firstTime'] as const).map((name) => times.map((at) => rows.get(at)?.[name] ?? 0)),
  };
}

/** The report leaves out steps without leaves. */
function leavesData({ leaves: { from, to, items }, usage }: PlottedReports): PlotData {
  const times = usage.items.map(({ at }) => at);
  const causes = [...new Set(items.map(({ cause }) => cause))].sort();
  const counts = new Map(items.map(({ at, cause, count }) => [`${at} ${cause}`, count]));
  return {
    ...{ from, to, times: causes.length > 0 ? times : [], unit: 'people', labels: causes.map(causeWord) },
    values: causes.map((cause) => times.map((at) => counts.get(`${at} ${cause}`) ?? 0)),
  };
}

export const plots: readonly ReportPlot[] = [
  {
    ...{
      id: 'peak',
      title: 'Peak people',
      csv: 'usage',
      unit: 'people',
      word: ['person at most', 'people at most'],
      figure: 'most',
    },
    about: 'The most people at the end of a minute.',
    data: usageData('people', { peakPeople: 'peak' }),
  },
  {
    ...{ id: 'usage', title: 'Joins and leaves', csv: 'usage', unit: 'people', word: ['join', 'joins'], figure: 'sum' },
    about: 'A person who returns joins again.',
    data: usageData('people', { joins: 'joins', leaves: 'leaves' }),
  },
  {
    ...{ id: 'begun', title: 'Sessions', csv: 'usage', unit: 'sessions', word: ['created', 'created'], figure: 'sum' },
    about: 'Sessions that began, and sessions that ended or expired.',
    data: usageData('sessions', { sessionsCreated: 'created', sessionsEnded: 'ended' }),
  },
  {
    ...{
      id: 'returning',
      title: 'Returning people',
      csv: 'people',
      unit: 'people',
      word: ['person on the busiest day', 'people on the busiest day'],
    },
    ...{ figure: 'most', isDaily: true, data: peopleData },
    about: 'Returning people also have an entry on an earlier day.',
  },
  {
    ...{
      id: 'causes',
      title: 'Leaves by cause',
      csv: 'leaves',
      unit: 'people',
      word: ['leave', 'leaves'],
      figure: 'total',
    },
    about: 'Why people left.',
    data: leavesData,
  },
];

/** The large figure of a plot; null if nothing was counted. */
export function figureOf({ figure }: ReportPlot, { values }: PlotData): number | null {
  const numbers = (figure === 'total' ? values.flat() : (values[0] ?? [])).map((value) => value ?? 0);
  if (numbers.length === 0) return null;
  return figure === 'most' ? Math.max(...numbers) : numbers.reduce((sum, value) => sum + value, 0);
}

/** The words for the steps of a plot. */
export const stepWords = (step: Step) => ({
  heading: step === 'day' ? 'Day (UTC)' : 'Hour (UTC)',
  text: (time: number) => formatStep(time, step),
});
