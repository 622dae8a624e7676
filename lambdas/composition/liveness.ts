import { announceLiveness } from '../flows/liveness/announce-liveness.ts';
import { activityCache } from '../liveness/activity-cache.ts';
import type { LivenessCounter, LivenessEvent } from '../liveness/liveness-settings.ts';
import { MachineManager } from '../machines/machine-manager.ts';
import { MachineRepository } from '../machines/machine-repository.ts';
import { database } from '../platform/database.ts';
import { metrics } from '../platform/metrics.ts';
import { once } from '../platform/once.ts';
import { timings } from '../platform/timings.ts';
import { compose } from './compose.ts';
import { messenger } from './messenger.ts';
import { registry } from './registry.ts';

/** The metric of each counter of the liveness cache. */
const metricNames = {
  hits: 'livenessHits',
  misses: 'livenessMisses',
  beats: 'livenessBeats',
  skipped: 'livenessSkipped',
  // The functions stop nothing in the cache, so there is nothing to count.
  stopped: undefined,
} as const;

/** The liveness cache. */
export const liveness = once(() => {
  const { livenessTimeoutMillis } = timings;
  const services = compose({ registry, messenger });
  const emit = (event: LivenessEvent) => announceLiveness(services, event);
  const count = (counter: LivenessCounter) => {
    const name = metricNames[counter];
    if (name) metrics.add(name);
  };
  activityCache.configure({ pool: database(), emit, count, livenessTimeoutMillis });
  return activityCache;
});

/** The machines of the users. */
export const machines = once(
  () => new MachineManager({ repository: new MachineRepository(database()), liveness: liveness() }),
);
