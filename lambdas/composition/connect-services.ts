import { log } from '../platform/log.ts';
import { timings } from '../platform/timings.ts';
import type { Services } from '../services/services.ts';
import { registry } from './registry.ts';

/** The services of `$connect`. They have their own module because a handshake waits for the start of this function. */
export const connectServices: Pick<Services, 'clock' | 'log' | 'registry' | 'timings'> = {
  clock: () => Date.now(),
  log,
  timings,
  get registry() {
    return registry();
  },
};
