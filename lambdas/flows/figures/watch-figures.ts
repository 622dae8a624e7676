import { figuresSeconds, type ServiceFigures } from '../../../protocol/figures.ts';
import type { ServerFrame } from '../../../protocol/frames.ts';
import { figuresOf } from '../../figures/figure-rows.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';
import { requireAdmin } from '../callers/require-admin.ts';

const slotMillis = figuresSeconds * 1000;
/** The sweeps have written the figures of a slot this long after its end. */
const settledMillis = 3000;

/**
 * Sends the figures of the service to the caller's connection for a minute; the answer has the last ones.
 *
 * @throws RollcallError PERMISSION_DENIED without the admin scope.
 */
export async function watchFigures(services: Services, caller: Caller): Promise<ServerFrame> {
  requireAdmin(caller.scopes);
  const now = services.clock();
  await services.watchers.add(caller.connectionId, now);
  return { type: 'figures', figures: await lastFigures(services, now) };
}

async function lastFigures(services: Services, now: number): Promise<ServiceFigures> {
  const slot = Math.floor((now - settledMillis) / slotMillis) * slotMillis - slotMillis;
  return figuresOf(slot, figuresSeconds, await services.figures.rows(slot, slot + slotMillis));
}
