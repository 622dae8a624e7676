import type { Services } from '../../services/services.ts';
import { type CleanupStats, SweepRepository } from '../../sessions/sweep-repository.ts';
import { requireAdmin } from '../callers/require-admin.ts';

export interface ServiceStatistics {
  cleanup: CleanupStats;
  /** Sessions in which at least one user is present now. */
  presence: { activeSessions: number };
}

/** Statistics of the whole service. @throws RollcallError PERMISSION_DENIED without the admin scope. */
export async function serviceStatistics(services: Services, scopes: string[]): Promise<ServiceStatistics> {
  requireAdmin(scopes);
  const [cleanup, activeSessions] = await Promise.all([
    new SweepRepository(services.database, services.timings).statistics(services.clock()),
    services.deadlines.size(),
  ]);
  return { cleanup, presence: { activeSessions } };
}
