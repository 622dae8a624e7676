/** The unit of a figure. */
export type Unit =
  | 'people'
  | 'sessions'
  | 'milliseconds'
  | 'percent'
  | 'dollars'
  | 'messages'
  | 'connections'
  | 'entries'
  | 'seconds'
  | 'sweeps'
  | 'factor';

/** The words behind a number, for one and for several. */
const words: Record<Unit, readonly [one: string, many: string]> = {
  people: ['person', 'people'],
  sessions: ['session', 'sessions'],
  milliseconds: ['ms', 'ms'],
  percent: ['%', '%'],
  dollars: ['per hour', 'per hour'],
  messages: ['message', 'messages'],
  connections: ['connection', 'connections'],
  entries: ['entry', 'entries'],
  seconds: ['s', 's'],
  sweeps: ['sweep', 'sweeps'],
  factor: ['×', '×'],
};

/** What stands for a figure that is not known. */
export const unknown = '–';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const precise = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** A number with three significant digits, or all digits before the point. */
export function formatNumber(value: number | null): string {
  if (value === null) return unknown;
  return Math.abs(value) >= 100 || Number.isInteger(value) ? whole.format(value) : precise.format(value);
}

/** A figure without its unit. Dollars have their sign. */
export function formatFigure(value: number | null, unit: Unit): string {
  return unit === 'dollars' && value !== null ? `$${formatNumber(value)}` : formatNumber(value);
}

/** The unit behind a figure. */
export function unitWord(value: number | null, unit: Unit): string {
  return words[unit][value === 1 ? 0 : 1];
}

/** A figure with its unit. */
export function formatWithUnit(value: number | null, unit: Unit): string {
  return value === null ? unknown : `${formatFigure(value, unit)} ${unitWord(value, unit)}`;
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const dayOfUtc = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const hourOfUtc = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' });

/** A time of this machine's time zone. */
export const formatClock = (time: number) => clock.format(time);
export const formatMoment = (time: number) => `${date.format(time)}, ${clock.format(time)}`;
/** A day, or an hour of a day, in UTC. */
export const formatStep = (time: number, step: 'hour' | 'day') =>
  step === 'day' ? dayOfUtc.format(time) : `${dayOfUtc.format(time)}, ${hourOfUtc.format(time)}`;

/** A length of time, such as `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${formatNumber(seconds)} s`;
  const parts: [size: number, word: string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = parts.findIndex(([size]) => seconds >= size);
  const [size, word] = parts[first]!;
  const count = Math.floor(seconds / size);
  const next = parts[first + 1];
  const rest = next ? Math.floor((seconds - count * size) / next[0]) : 0;
  return rest > 0 ? `${count} ${word} ${rest} ${next![1]}` : `${count} ${word}`;
}
