import { setTimeout as pause } from 'node:timers/promises';
import type { FaultSettings } from '../../local/faults.ts';
import type { Venue } from './venue.ts';

/** One kind of trouble. */
export interface Weather {
  name: string;
  faults: Partial<Omit<FaultSettings, 'seed'>>;
  /** What is done to a store while it lasts; resolves once that is over. */
  strike?(venue: Venue): Promise<void>;
  /** Whether presence has to be restored after it. */
  forgets?: boolean;
}

async function emptyRedis({ redis }: Venue): Promise<void> {
  await redis.flushdb();
}

/**
 * Every trouble by itself, and several at once, in the order of a cycle.
 *
 * @param interruptionMillis how long a store is away.
 */
export const weathersWith = (interruptionMillis: number): readonly Weather[] => [
  { name: 'clear', faults: {} },
  { name: 'ends lost and doubled', faults: { loseDisconnect: 0.4, doubleDisconnect: 0.4 } },
  { name: 'posts answered 410', faults: { gone: 0.01 } },
  { name: 'Redis emptied', faults: {}, strike: emptyRedis, forgets: true },
  { name: 'posts throttled', faults: { throttle: 0.2 } },
  {
    ...{ name: 'Redis away', faults: {}, forgets: true },
    strike: ({ stores }) => interrupt(stores.redis, interruptionMillis),
  },
  { name: 'slow posts and cold starts', faults: { slowPostMillis: 150, coldStartMillis: 400 } },
  { name: 'PostgreSQL away', faults: {}, strike: ({ stores }) => interrupt(stores.database, interruptionMillis) },
  { name: 'environments killed', faults: { killEnvironment: 0.01 } },
  {
    name: 'storm',
    faults: { loseDisconnect: 0.2, doubleDisconnect: 0.2, gone: 0.003, throttle: 0.05, killEnvironment: 0.003 },
  },
];

async function interrupt(store: Venue['stores']['redis'], millis: number): Promise<void> {
  await store.shut();
  await pause(millis);
  await store.open();
}

/** Whether frames can be lost in it, so that clients have to heal. */
export function losesFrames({ faults }: Weather): boolean {
  return Boolean(faults.gone || faults.throttle || faults.killEnvironment || faults.slowPostMillis);
}
