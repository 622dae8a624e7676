import { activityCache } from '../../liveness/activity-cache.ts';
import { MachineManager } from '../../machines/machine-manager.ts';
import { MachineRepository } from '../../machines/machine-repository.ts';
import { database } from '../../platform/database.ts';
import { once } from '../../platform/once.ts';
import { timings } from '../../platform/timings.ts';
import { announceLiveness } from './announce-liveness.ts';

/** The liveness cache of this environment. What it queued must be flushed before the invocation ends (rule LC3). */
export const liveness = once(() => {
  const { livenessTimeoutMillis } = timings;
  activityCache.configure({ pool: database(), emit: announceLiveness, livenessTimeoutMillis });
  return activityCache;
});

/** The machines of this environment. */
export const machines = once(
  () => new MachineManager({ repository: new MachineRepository(database()), liveness: liveness() }),
);
