import { log } from '../platform/log.ts';
import { timings } from '../platform/timings.ts';
import type { Services } from '../services/services.ts';
import { inviteKeys } from './invite-keys.ts';
import { outbox } from './outbox.ts';

/** The services of the authorizer. They have their own module because a handshake waits for the start of this function. */
export interface HandshakeServices extends Pick<Services, 'clock' | 'log' | 'inviteKeys' | 'outbox' | 'timings'> {
  /** Writes at every `LOG_LEVEL`, because the stack counts these log lines. */
  readonly countedLog: Pick<Services['log'], 'info'>;
}

export const handshakeServices: HandshakeServices = {
  clock: () => Date.now(),
  log,
  timings,
  countedLog: log.createChild({ logLevel: 'INFO' }),
  get inviteKeys() {
    return inviteKeys();
  },
  get outbox() {
    return outbox();
  },
};
