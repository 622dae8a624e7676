import { figuresSeconds } from '../../../protocol/figures.ts';
import { figuresOf } from '../../figures/figure-rows.ts';
import type { Services } from '../../services/services.ts';

/** Sends the figures of a slot to the connections that watch them. */
export async function publishFigures(services: Services, slot: number): Promise<void> {
  const watchers = await services.watchers.now(services.clock());
  if (watchers.length === 0) return;
  const figures = figuresOf(slot, figuresSeconds, await services.figures.rows(slot, slot + figuresSeconds * 1000));
  const { gone } = await services.broadcaster.broadcast(watchers, { type: 'figures', figures }, { kind: 'event' });
  await services.watchers.remove(gone);
}
