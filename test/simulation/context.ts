import { AsyncLocalStorage } from 'node:async_hooks';
import type { BaseWorld } from './base-world.ts';
import type { Invocation } from './environments.ts';
import type { Timer } from './virtual-clock.ts';

/** The world and the invocation in which the present code runs. */
export interface Place {
  world: BaseWorld;
  invocation: Invocation;
}

const places = new AsyncLocalStorage<Place>();

export function inPlace<T>(place: Place, work: () => T): T {
  return places.run(place, work);
}

/** @throws Error if the code runs outside a world, where no code of the product may run. */
export function currentPlace(): Place {
  const place = places.getStore();
  if (!place) throw new Error('Code of the product ran outside a simulated world.');
  return place;
}

/**
 * Code inside a world uses its clock and its timers; all other code uses the real ones. This holds until the process ends, so that
 * code of an ended world does not continue with real timers.
 */
export function installVirtualTime(): void {
  const real = { now: Date.now, setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  Date.now = () => places.getStore()?.world.clock.now ?? real.now();
  const virtualTimeout = (work: () => void, millis = 0, ...rest: unknown[]) => {
    const place = places.getStore();
    if (!place) return real.setTimeout(work, millis, ...rest);
    // A timer of a killed environment never fires.
    return place.world.clock.after(millis, () => {
      if (!place.invocation.dead) places.run(place, work);
    });
  };
  globalThis.setTimeout = virtualTimeout as unknown as typeof setTimeout;
  globalThis.clearTimeout = ((timer: unknown) => {
    if (timer && typeof timer === 'object' && 'cancelled' in timer) (timer as Timer).cancelled = true;
    else real.clearTimeout(timer as NodeJS.Timeout);
  }) as typeof clearTimeout;
}
