import type { Pool } from 'pg';
import { AnalyticsReports, wholePeriod } from '../../lambdas/analytics/reports.ts';
import { AnalyticsRollup } from '../../lambdas/analytics/rollup.ts';
import { fillTrail, signGuestsIn, withoutIndexes } from '../analytics/trail.ts';
import { withDatabase } from '../database.ts';
import { type Bench, type Measurement, median, readable, timed } from '../measurement.ts';

const sizes = [10_000, 100_000, 1_000_000];
const large = 10_000_000;
const rounds = 20;
/** The entries of one minute, which a sweep counts. */
const minuteEntries = 2000;
const dayMillis = 86_400_000;
/** The entries of every size cover the same time. */
const days = 90;

/** Fills the trail up to `many` entries, counts them, and measures a sweep of a minute and each report over 30 days. */
async function measureSize(pool: Pool, many: number, filled: number): Promise<Measurement[]> {
  const now = Math.floor(Date.now() / dayMillis) * dayMillis;
  const clock = () => now;
  const retention = { activityRetentionMillis: 91 * dayMillis, analyticsRetentionMillis: 730 * dayMillis };
  const rollup = new AnalyticsRollup({ pool, clock, ...retention });
  const all = { from: now - days * dayMillis, to: now, entries: many - filled, seed: `fill ${filled}` };
  const filling = await timed(() => withoutIndexes(pool, () => fillTrail(pool, all)));
  console.error(`filled ${readable(many)} entries in ${readable(filling / 1000)} s`);
  await signGuestsIn(pool, all);
  const counting = await timed(() => rollup.run(Number.POSITIVE_INFINITY));
  await pool.query('VACUUM ANALYZE');
  const sweeps: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const minute = { from: now - dayMillis, to: now, entries: minuteEntries - 1, seed: `sweep ${many} ${round}` };
    await fillTrail(pool, minute);
    sweeps.push(await timed(() => rollup.run()));
    // The next sweep moves the days of these guests to their users.
    await signGuestsIn(pool, minute);
  }
  const reports = new AnalyticsReports(pool);
  const period = wholePeriod({ from: now - 30 * dayMillis, to: now }, 'day');
  const of = (what: string, value: number, unit: string): Measurement => ({
    ...{ what: `${what}, ${readable(many)}`, value, unit },
    ...(many === sizes[0] ? {} : { comparedWith: `${what}, ${readable(sizes[0]!)}` }),
  });
  const report = async (what: string, read: () => Promise<unknown>) => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) times.push(await timed(read));
    return of(what, median(times), 'ms');
  };
  return [
    of('counting all entries', ((many - filled) / counting) * 1000, 'entries/s'),
    of(`a sweep of ${readable(minuteEntries)} entries`, median(sweeps), 'ms'),
    await report('usage by day', () => reports.usage(period, 'day')),
    await report('usage by hour', () => reports.usage(period, 'hour')),
    await report('people', () => reports.people(period)),
    await report('leaves', () => reports.leaves(period, 'day')),
    await report('activities', () => reports.activities(period)),
    await report('lengths', () => reports.lengths(period)),
    await report('busiest sessions', () => reports.sessions(period, { by: 'entries', limit: 10 })),
  ];
}

/** `--large` adds ten million entries, and `--entries=<number>` that many. */
function sizesFor(flags: readonly string[]): number[] {
  const most = flags.includes('--large')
    ? large
    : Number(flags.find((flag) => flag.startsWith('--entries='))?.slice(10) ?? 0);
  return [...sizes.filter((size) => size < most || most === 0), ...(most > 0 ? [most] : [])];
}

export const bench: Bench = {
  title: 'Analytics: a sweep and the reports over 30 days, by the number of entries in 90 days (median of 20)',
  run: (flags) =>
    withDatabase(async (pool) => {
      const measurements: Measurement[] = [];
      let filled = 0;
      for (const many of sizesFor(flags)) {
        const measured = await measureSize(pool, many, filled);
        for (const { what, value, unit } of measured) console.error(`${what}: ${readable(value)} ${unit}`);
        measurements.push(...measured);
        filled = many;
      }
      return measurements;
    }),
};
