import type { Role } from '../../protocol/entities.ts';
import type { Turn } from '../platform/turn.ts';
import type { Said } from './person-data.ts';

/** Who takes a seat, and as what. */
export interface Entering {
  username: string;
  role: Role;
  /** The least role that sees cursors, where the session names one (rule DE9). */
  cursorRole?: Role | undefined;
  /** Whether the connection asks for the compact form of cursors. */
  compact?: boolean | undefined;
  /** `taken`: they hold their slot only since now. `written`: their arrival is in the audit trail already. */
  arrivalState?: 'taken' | 'written' | undefined;
  /** They come back invisible, as they chose to be (rule PR5). */
  invisible?: boolean | undefined;
  /** What the join says of them. */
  said?: Said | undefined;
  /** The data they had told before, as JSON: it counts where Redis does not know them. */
  kept?: string | undefined;
  /** The number of the join in the connection table, see `Membership.version`: a later join or leave decides. */
  version?: number | undefined;
  /** The turn of the frame that joins (rule PR18). */
  turn?: Turn | undefined;
}
