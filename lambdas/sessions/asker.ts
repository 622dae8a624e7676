import type { AccessClaim } from '../../protocol/access-claim.ts';

/** A person who wants to do something in a session. */
export interface Asker {
  userId: string;
  /** The keys that their token lets them use. If it is set, only the claim counts (rule SE12). */
  claim?: AccessClaim | undefined;
}
