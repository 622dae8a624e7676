import type { KeyScope } from '../../protocol/server-api.ts';

/** A key of the server API, without its secret. Times are Unix milliseconds. */
export interface ServerKey {
  id: string;
  name: string;
  scopes: KeyScope[];
  /** The keys of the application whose sessions it may use; a name that ends in `*` covers all that begin with it. */
  sessions: string[];
  /** The user who created it; null for the command line. */
  createdBy: string | null;
  createdAt: number;
  /** Null: never. */
  expiresAt: number | null;
  revokedAt: number | null;
  /** Exact to a minute; null if it was never used. */
  lastUsedAt: number | null;
}

/** The terms of a new key. */
export interface KeyTerms {
  name: string;
  scopes: readonly string[];
  /** Default: all sessions. */
  sessions?: readonly string[] | undefined;
  /** Default: the key does not expire. */
  expiresInSeconds?: number | undefined;
}
