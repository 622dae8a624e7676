import { Meter } from '../../lambdas/platform/meter.ts';
import type { Services } from '../../lambdas/services/services.ts';
import { readTimings } from '../../protocol/timings.ts';

/** Doubles of services: each has as much of its service as the test needs. */
export type Doubles = { readonly [Name in keyof Services]?: unknown };

const silent = () => {};

/**
 * Services of a test. Timings are the defaults, the clock is the real one and the log is silent, unless the test gives others.
 * A service that the test does not give throws at its first use, so no test reaches a store by accident.
 */
export function testServices(doubles: Doubles = {}): Services {
  const defaults: Doubles = {
    timings: readTimings({}),
    clock: () => Date.now(),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    metrics: new Meter(silent),
    sweepFunction: undefined,
    // No webhooks.
    webhookQueue: { backlog: async () => ({ hasEndpoints: false, dueSince: null }) },
    webhookSweepFunction: undefined,
  };
  const given: Record<string | symbol, unknown> = { ...defaults, ...doubles };
  return new Proxy(given, {
    get(target, name) {
      if (!(name in target)) throw new Error(`The test gives no service ${String(name)}.`);
      return target[name];
    },
  }) as unknown as Services;
}

/** Other services with some parts replaced by doubles. */
export function replaceServices(services: Services, doubles: Doubles): Services {
  return new Proxy(services, {
    get: (target, name) => Reflect.get(Object.hasOwn(doubles, name) ? doubles : target, name),
  });
}
