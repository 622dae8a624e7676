import { formatClock, formatWithUnit, type Unit } from '../data/format.ts';
import type { History } from '../data/history.ts';
import type { Card } from './cards.ts';

/** What a plot draws and its table says. */
export interface PlotData {
  labels: readonly string[];
  unit: Unit;
  /** Unix milliseconds, ascending. */
  times: readonly number[];
  /** For each label a value for each time. Null: not known. */
  values: readonly (readonly (number | null)[])[];
  /** The period that the plot shows, Unix milliseconds. */
  from: number;
  to: number;
}

/** Points further apart than this, in milliseconds, are not joined by a line. While nobody is present, there is one step a minute. */
const longestJoin = 150_000;

/** The points of a card. Steps of which nothing is known are left out. */
export function plotDataOf({ lines, unit }: Pick<Card, 'lines' | 'unit'>, history: History): PlotData {
  const shown = lines(history);
  const items = history.items.filter((figures) => shown.some(({ of }) => of(figures) !== null));
  return {
    ...{ labels: shown.map(({ label }) => label), unit, from: history.from, to: history.to },
    times: items.map(({ at }) => at),
    values: shown.map(({ of }) => items.map(of)),
  };
}

/** The same for the plot: in seconds, with an empty point in each gap. */
export function withGaps({ times, values }: PlotData, stepSeconds: number): [number[], ...(number | null)[][]] {
  const farthest = Math.max(longestJoin, 2.5 * stepSeconds * 1000);
  const xs: number[] = [];
  const columns = values.map((): (number | null)[] => []);
  for (const [index, time] of times.entries()) {
    const before = times[index - 1];
    if (before !== undefined && time - before > farthest) {
      xs.push((before + time) / 2000);
      for (const column of columns) column.push(null);
    }
    xs.push(time / 1000);
    for (const [line, column] of columns.entries()) column.push(values[line]![index]!);
  }
  return [xs, ...columns];
}

/** One row of the table for each point, the latest first. */
export function rowsOf(
  { times, values, unit }: PlotData,
  timeText: (time: number) => string = formatClock,
): string[][] {
  return times
    .map((time, index) => [timeText(time), ...values.map((column) => formatWithUnit(column[index]!, unit))])
    .reverse();
}
