import { FigureStore } from '../figures/figure-store.ts';
import { sweepDatabase } from '../platform/database.ts';
import { once } from '../platform/once.ts';

/** The figures of the dashboard. */
export const figures = once(() => new FigureStore(sweepDatabase()));
