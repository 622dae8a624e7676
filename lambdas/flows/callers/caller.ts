import type { AccessClaim } from '../../../protocol/access-claim.ts';

import type { AgentMark } from '../../connections/connection-registry.ts';

/** The sender of an event, as the authorizer verified it when the connection was opened. */
export interface Caller {
  connectionId: string;
  userId: string;
  username: string;
  /** The `sub` of the token, as the identity provider wrote it; absent for a guest. */
  externalId?: string | undefined;
  scopes: string[];
  /** Guests only: the only session that they can use (UUID), and their invite. Connections of an earlier release lack its id. */
  guest?: { sessionId: string; invite: string; inviteId?: string | undefined } | undefined;
  /** The keys that the token lets its holder use; without it the rules of each session decide (rule SE12). */
  claim?: AccessClaim | undefined;
  /** When the claim ends, Unix milliseconds. */
  claimUntil?: number | undefined;
  /** Present if this is no connection but an agent that a program sets (rule SA7). */
  agent?: AgentMark | undefined;
  ipAddress: string | null;
  userAgent: string | null;
  /** When API Gateway received the frame, Unix milliseconds; absent for an HTTP request. */
  receivedAt?: number | undefined;
}
