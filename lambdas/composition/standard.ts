import { log } from '../platform/log.ts';
import { metrics } from '../platform/metrics.ts';
import { timings } from '../platform/timings.ts';
import type { Parts } from './compose.ts';

const clock = () => Date.now();

/** The services of every function. */
export const standard = {
  timings: () => timings,
  clock: () => clock,
  log: () => log,
  metrics: () => metrics,
} satisfies Parts;
