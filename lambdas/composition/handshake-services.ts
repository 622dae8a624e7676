import { lazily } from '../platform/lazily.ts';
import { log } from '../platform/log.ts';
import { metrics } from '../platform/metrics.ts';
import { timings } from '../platform/timings.ts';
import type { Services } from '../services/services.ts';
import { inviteKeys } from './invite-keys.ts';

/** The services of the authorizer. They have their own module because a handshake waits for the start of this function. */
export interface HandshakeServices
  extends Pick<Services, 'clock' | 'log' | 'metrics' | 'inviteKeys' | 'outbox' | 'timings'> {
  /** Writes at every `LOG_LEVEL`, because the stack counts these log lines. */
  readonly countedLog: Pick<Services['log'], 'info'>;
}

const outbox = lazily(async () => (await import('./outbox.ts')).outbox());

export const handshakeServices: HandshakeServices = {
  clock: () => Date.now(),
  log,
  metrics,
  timings,
  countedLog: log.createChild({ logLevel: 'INFO' }),
  get inviteKeys() {
    return inviteKeys();
  },
  outbox,
};
