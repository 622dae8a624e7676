import { log } from '../platform/log.ts';
import { metrics } from '../platform/metrics.ts';
import { timings } from '../platform/timings.ts';
import type { Services } from '../services/services.ts';
import { registry } from './registry.ts';

/** The services of `$connect`. They have their own module because a handshake waits for the start of this function. */
export const connectServices: Pick<Services, 'clock' | 'log' | 'metrics' | 'registry' | 'timings'> = {
  clock: () => Date.now(),
  log,
  metrics,
  timings,
  get registry() {
    return registry();
  },
};
