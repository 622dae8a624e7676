import { log } from '../platform/log.ts';
import type { Services } from '../services/services.ts';
import { registry } from './registry.ts';

/** The services of `$connect`. They have their own module because a handshake waits for the start of this function. */
export const connectServices: Pick<Services, 'clock' | 'log' | 'registry'> = {
  clock: () => Date.now(),
  log,
  get registry() {
    return registry();
  },
};
