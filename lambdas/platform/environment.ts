/**
 * Names of the environment variables between the stack and the functions. A construct that grants access to a thing
 * also sets the variable of that thing, and nothing else does.
 */
export const environmentNames = {
  /** Redis, `redis://` or `rediss://` (TLS). */
  redisUrl: 'REDIS_URL',
  /** `true` where the URL names a cluster's configuration endpoint (ElastiCache Serverless is always one). */
  redisCluster: 'REDIS_CLUSTER',
  /** PostgreSQL as a URL; wins over the secret. */
  databaseUrl: 'DATABASE_URL',
  /** Secrets Manager secret with `host`, `port`, `dbname`, `username` and `password`. */
  databaseSecretArn: 'DATABASE_SECRET_ARN',
  /** DynamoDB table of the connections and what they joined. */
  connectionsTable: 'CONNECTIONS_TABLE',
  /** DynamoDB table where activity waits while PostgreSQL is away. */
  outboxTable: 'OUTBOX_TABLE',
  /** `https://…/live`, where frames for connections are posted. */
  managementEndpoint: 'MANAGEMENT_ENDPOINT',
  /** Name of the timeout sweep's function, which a first join wakes. */
  timeoutSweepFunction: 'TIMEOUT_SWEEP_FUNCTION',
  /** Secrets Manager secret that signs invites. */
  inviteSecretArn: 'INVITE_SECRET_ARN',
  jwtIssuer: 'JWT_ISSUER',
  jwtAudience: 'JWT_AUDIENCE',
  jwksUri: 'JWKS_URI',
  logLevel: 'LOG_LEVEL',
} as const;

/** The log line of a handshake without token and invite; the stack counts these lines. */
export const withoutCredentials = 'A handshake brought no credentials';

/** The log line of a row that a sweep cannot update; the stack counts these lines. */
export const setAsideMessage = 'A row could not be processed and is set aside';

/** Keys of the DynamoDB tables; the stack makes the tables from these and the functions read them by these. */
export const tableKeys = {
  /**
   * One item per connection (`sessionId` = `-`) and one per session it joined. Read by connection at its end, and by
   * session where Redis has to be rebuilt.
   */
  connections: {
    partitionKey: 'connectionId',
    sortKey: 'sessionId',
    timeToLive: 'expiresAt',
    // Both are sparse: only a membership has `joinedSession`, only the connection's own item has `connectedUser`, so no
    // index collects every connection under one key.
    indexes: {
      bySession: { partitionKey: 'joinedSession', sortKey: 'connectionId' },
      byUser: { partitionKey: 'connectedUser', sortKey: 'connectionId' },
    },
  },
  /** Activity that waits for PostgreSQL, in the order of its writing within a shard. */
  outbox: { partitionKey: 'shard', sortKey: 'position', timeToLive: 'expiresAt', indexes: {} },
} as const;
