import { log } from '../platform/log.ts';
import type { Services } from '../services/services.ts';
import { registry } from './registry.ts';

/** What `$connect` works with. It is kept apart because a handshake waits for the start of that function. */
export const connectServices: Pick<Services, 'clock' | 'log' | 'registry'> = {
  clock: () => Date.now(),
  log,
  get registry() {
    return registry();
  },
};
