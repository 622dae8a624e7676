import { AnalyticsReports } from '../analytics/reports.ts';
import { AnalyticsRollup } from '../analytics/rollup.ts';
import { sweepDatabase } from '../platform/database.ts';
import { once } from '../platform/once.ts';
import { timings } from '../platform/timings.ts';

/** The analytics, for functions that read them. */
export const analytics = once(() => new AnalyticsReports(sweepDatabase()));

/** Counts the analytics. */
export const rollup = once(() => new AnalyticsRollup({ pool: sweepDatabase(), clock: () => Date.now(), ...timings }));
