import { announceLiveness } from '../flows/liveness/announce-liveness.ts';
import { activityCache } from '../liveness/activity-cache.ts';
import type { LivenessEvent } from '../liveness/liveness-settings.ts';
import { MachineManager } from '../machines/machine-manager.ts';
import { MachineRepository } from '../machines/machine-repository.ts';
import { database } from '../platform/database.ts';
import { once } from '../platform/once.ts';
import { timings } from '../platform/timings.ts';
import { compose } from './compose.ts';
import { messenger } from './messenger.ts';
import { registry } from './registry.ts';

/** The liveness cache. */
export const liveness = once(() => {
  const { livenessTimeoutMillis } = timings;
  const services = compose({ registry, messenger });
  const emit = (event: LivenessEvent) => announceLiveness(services, event);
  activityCache.configure({ pool: database(), emit, livenessTimeoutMillis });
  return activityCache;
});

/** The machines of the users. */
export const machines = once(
  () => new MachineManager({ repository: new MachineRepository(database()), liveness: liveness() }),
);
