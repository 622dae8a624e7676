/** Who sent an event, as the authorizer established it when the connection began. */
export interface Caller {
  connectionId: string;
  userId: string;
  username: string;
  /** The token's `sub`, as the identity provider writes it; absent for a guest. */
  externalId?: string | undefined;
  scopes: string[];
  /** Guests only: the one session they can reach (UUID), and the invite they came with. */
  guest?: { sessionId: string; invite: string } | undefined;
  ipAddress: string | null;
  userAgent: string | null;
  /** When API Gateway received the frame, Unix milliseconds; absent for an HTTP request. */
  receivedAt?: number | undefined;
}
