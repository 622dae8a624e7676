import { setTimeout as pause } from 'node:timers/promises';
import type { FaultSettings } from '../../local/faults.ts';
import type { TestBed } from './test-bed.ts';

/** One phase with a kind of fault. */
export interface Phase {
  name: string;
  faults: Partial<Omit<FaultSettings, 'seed'>>;
  /** The fault of a store during the phase; resolves when it is over. */
  strike?(testBed: TestBed): Promise<void>;
  /** Whether presence must be restored after the phase. */
  forgets?: boolean;
}

async function emptyRedis({ redis }: TestBed): Promise<void> {
  await redis.flushdb();
}

/**
 * Each kind of fault separately, then several at once; the phases repeat in this order.
 *
 * @param interruptionMillis how long a store is away.
 */
export const phasesWith = (interruptionMillis: number): readonly Phase[] => [
  { name: 'no faults', faults: {} },
  { name: 'disconnect events lost and doubled', faults: { loseDisconnect: 0.4, doubleDisconnect: 0.4 } },
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
    name: 'several faults',
    faults: { loseDisconnect: 0.2, doubleDisconnect: 0.2, gone: 0.003, throttle: 0.05, killEnvironment: 0.003 },
  },
];

async function interrupt(store: TestBed['stores']['redis'], millis: number): Promise<void> {
  await store.shut();
  await pause(millis);
  await store.open();
}

/** Whether frames can get lost in it, so that clients need a resync. */
export function losesFrames({ faults }: Phase): boolean {
  return Boolean(faults.gone || faults.throttle || faults.killEnvironment || faults.slowPostMillis);
}
