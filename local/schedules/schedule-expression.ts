/** Returns the next time at which an EventBridge schedule fires, strictly after the given time. */
export type NextFiring = (after: number) => number;

const unitMillis: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** Parses `rate(5 minutes)` or `cron(0/15 * * * ? *)`. @throws Error for anything else. */
export function readScheduleExpression(expression: string): NextFiring {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression);
  if (rate) {
    const period = Number(rate[1]) * (unitMillis[rate[2]!] ?? 0);
    if (period > 0) return (after) => after + period;
  }
  const cron = /^cron\((.+)\)$/.exec(expression)?.[1]?.trim().split(/\s+/);
  if (cron?.length === 6) return readCron(cron);
  throw new Error(`The schedule "${expression}" is neither rate(…) nor cron(…) as EventBridge writes them.`);
}

/** Fields: minutes, hours, day of month, month, day of week (1 is Sunday), year; in UTC. */
function readCron(fields: string[]): NextFiring {
  const minutes = matchField(fields[0]!, 0, 59);
  const hours = matchField(fields[1]!, 0, 23);
  const days = matchField(fields[2]!, 1, 31);
  const months = matchField(fields[3]!, 1, 12, monthNames, 1);
  const weekdays = matchField(fields[4]!, 1, 7, dayNames, 1);
  const years = matchField(fields[5]!, 1970, 2199);
  const dayMatches = (time: Date) =>
    days(time.getUTCDate()) &&
    months(time.getUTCMonth() + 1) &&
    weekdays(time.getUTCDay() + 1) &&
    years(time.getUTCFullYear());
  return (after) => {
    const end = after + 366 * unitMillis['day']!;
    let at = (Math.floor(after / 60_000) + 1) * 60_000;
    while (at < end) {
      const time = new Date(at);
      if (!dayMatches(time)) at = Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate() + 1);
      else if (hours(time.getUTCHours()) && minutes(time.getUTCMinutes())) return at;
      else at += 60_000;
    }
    return Number.POSITIVE_INFINITY;
  };
}

function matchField(
  field: string,
  from: number,
  to: number,
  names: string[] = [],
  base = 0,
): (value: number) => boolean {
  const number = (text: string) => {
    const named = names.indexOf(text.toUpperCase());
    const value = named >= 0 ? named + base : Number(text);
    if (!Number.isInteger(value)) throw new Error(`The schedule field "${field}" is not supported on this machine.`);
    return value;
  };
  const parts = field.split(',').map((part) => {
    const [range = '', step] = part.split('/');
    const every = step === undefined ? 1 : number(step);
    if (range === '*' || range === '?') return { first: from, last: to, every };
    const [first = '', last] = range.split('-');
    return { first: number(first), last: last ? number(last) : step === undefined ? number(first) : to, every };
  });
  return (value) =>
    parts.some(({ first, last, every }) => value >= first && value <= last && (value - first) % every === 0);
}
