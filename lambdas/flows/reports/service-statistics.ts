import { RollcallError } from '../../../protocol/errors.ts';
import type { Services } from '../../services/services.ts';
import { type CleanupStats, SweepRepository } from '../../sessions/sweep-repository.ts';

/** The scope in the token of an operator. */
const adminScope = 'rollcall/admin';

export interface ServiceStatistics {
  cleanup: CleanupStats;
  /** Sessions in which at least one user is present now. */
  presence: { activeSessions: number };
}

/** Statistics of the whole service. @throws RollcallError PERMISSION_DENIED without the admin scope. */
export async function serviceStatistics(services: Services, scopes: string[]): Promise<ServiceStatistics> {
  if (!scopes.includes(adminScope)) {
    throw new RollcallError('PERMISSION_DENIED', `These figures need a token with the scope ${adminScope}.`);
  }
  const [cleanup, activeSessions] = await Promise.all([
    new SweepRepository(services.database, services.timings).statistics(services.clock()),
    services.deadlines.size(),
  ]);
  return { cleanup, presence: { activeSessions } };
}
