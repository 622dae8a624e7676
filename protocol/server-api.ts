/** What the server API and its keys share with the command line and the tests. */

/** What a key may do. */
export const keyScopes = ['sessions:read', 'broadcast', 'remove', 'agents'] as const;
export type KeyScope = (typeof keyScopes)[number];

/** The limits of the server API. */
export const serverLimits = {
  /** Requests of one key, on average and at once. */
  requestsPerSecond: 100,
  requestBurst: 200,
  idempotencyKeyCharacters: 255,
  /** Within this time an event with the same idempotency key is not sent again. */
  repeatMillis: 10 * 60 * 1000,
  /** An execution environment asks the database again whether a key is valid after this time: a revocation takes effect until then. */
  keyCacheMillis: 30_000,
  /** While PostgreSQL is away, a key that was valid is accepted until this much later. */
  keyAwayMillis: 5 * 60 * 1000,
  /** The lease of an agent, in seconds. */
  leaseSeconds: { least: 10, usual: 60, most: 3600 },
  agentIdCharacters: 100,
  /** The most names of sessions that a key is restricted to. */
  keySessions: 100,
} as const;
