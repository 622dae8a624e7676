import type { AccessClaim } from '../../protocol/access-claim.ts';

/** Who asks for something in a session. */
export interface Asker {
  userId: string;
  /** The keys that their token lets them use; where there is one it decides alone (rule SE12). */
  claim?: AccessClaim | undefined;
}
