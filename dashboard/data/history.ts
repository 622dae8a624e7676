import type { ServiceFigures } from '../../protocol/figures.ts';

/** Figures of a period, as `GET /service/figures` answers. */
export interface History {
  from: number;
  to: number;
  stepSeconds: number;
  items: readonly ServiceFigures[];
}

/**
 * The figures of which a plot shows a line. Null: not known. A period in which no sweep led says nothing about people, sessions and
 * cost, although these figures have a number.
 */
export function known<T>(figures: ServiceFigures, read: (figures: ServiceFigures) => T): T | null {
  return figures.sweeps > 0 ? read(figures) : null;
}

/**
 * The history with figures that arrived later. The same period is replaced; what is older than the period is left out. A period in
 * which nothing was counted is left out, as in the answers of the service.
 *
 * @param periodSeconds how far the history goes back.
 */
export function withFigures(history: History, figures: ServiceFigures, periodSeconds: number): History {
  const to = Math.max(history.to, figures.at + figures.seconds * 1000);
  const from = to - periodSeconds * 1000;
  const others = history.items.filter(({ at }) => at !== figures.at && at >= from);
  if (isEmpty(figures)) return { ...history, from, to, items: others };
  const items = [...others, figures].sort((one, other) => one.at - other.at);
  return { ...history, from, to, items };
}

/** Whether no sweep wrote anything in the period. */
const isEmpty = ({ sweeps, errorRate, received }: ServiceFigures) =>
  sweeps === 0 && errorRate === null && received === 0;

/** Whether figures of the socket are steps of this history. Longer steps must be read again. */
export function takesFigures({ stepSeconds }: History, figures: ServiceFigures): boolean {
  return stepSeconds === figures.seconds;
}

/** A value and the time for which it is known. */
export interface Known<T> {
  value: T;
  at: number;
}

/** A value is current if it is at most this old, in milliseconds. While nobody is present, a sweep runs once a minute. */
const currentMillis = 150_000;

/** The last known value of a history; undefined if there is none that is current. */
export function lastKnown<T>(
  { items, to }: Pick<History, 'items' | 'to'>,
  read: (figures: ServiceFigures) => T | null,
): Known<T> | undefined {
  for (let index = items.length - 1; index >= 0; index -= 1) {
    const figures = items[index]!;
    if (figures.at + figures.seconds * 1000 < to - currentMillis) return undefined;
    const value = read(figures);
    if (value !== null) return { value, at: figures.at };
  }
  return undefined;
}

/** The sum of the known values of a history; null if none is known. */
export function sumOf(
  { items }: Pick<History, 'items'>,
  read: (figures: ServiceFigures) => number | null,
): number | null {
  const values = items.map(read).filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
}
