import type { Stay } from '../../protocol/entities.ts';
import type { SimulatedWeek } from './simulated-week.ts';

/** One session of a simulated service. */
export interface FilledSession {
  id: string;
  /** Its name, as `npx rollcall` and addresses take it. */
  name: string;
  title: string;
  /** The first stay, which is that of the owner. */
  owner: Stay;
  week: SimulatedWeek;
}
