/**
 * Names of the environment variables that the stack sets and the functions read. Only the construct that grants access to a
 * resource also sets the variable of that resource.
 */
export const environmentNames = {
  /** Redis, `redis://` or `rediss://` (TLS). */
  redisUrl: 'REDIS_URL',
  /** `true` if the URL is the configuration endpoint of a cluster (ElastiCache Serverless always has one). */
  redisCluster: 'REDIS_CLUSTER',
  /** PostgreSQL as a URL. It is used instead of the secret. */
  databaseUrl: 'DATABASE_URL',
  /** Secrets Manager secret with `host`, `port`, `dbname`, `username` and `password`. */
  databaseSecretArn: 'DATABASE_SECRET_ARN',
  /** The secret with which the functions of the service connect. Only the migrations have it beside their own. */
  serviceSecretArn: 'SERVICE_SECRET_ARN',
  /** `off`: PostgreSQL on the same machine, without TLS. A stack never sets it. */
  databaseTls: 'DATABASE_TLS',
  /** DynamoDB table of the connections and their memberships. */
  connectionsTable: 'CONNECTIONS_TABLE',
  /** DynamoDB table in which activities wait while PostgreSQL is away. */
  outboxTable: 'OUTBOX_TABLE',
  /** `https://…/live`, to which frames for connections are posted. */
  managementEndpoint: 'MANAGEMENT_ENDPOINT',
  /** Name of the function of the timeout sweep, which a first join starts. */
  timeoutSweepFunction: 'TIMEOUT_SWEEP_FUNCTION',
  /** Secrets Manager secret that signs invites. */
  inviteSecretArn: 'INVITE_SECRET_ARN',
  /** KMS key that signs the checkpoints of the audit trail. */
  checkpointKeyArn: 'CHECKPOINT_KEY_ARN',
  /** Secrets Manager secret with the key that encrypts the secrets of webhooks. */
  webhookKeyArn: 'WEBHOOK_KEY_ARN',
  /** Name of the function that sends webhooks, which a sweep starts if any are due. */
  webhookSweepFunction: 'WEBHOOK_SWEEP_FUNCTION',
  /** Name of the function that posts webhooks from outside of the VPC. */
  webhookSenderFunction: 'WEBHOOK_SENDER_FUNCTION',
  /** `public`: webhooks go to public addresses with HTTPS only. `any`: to all, on one machine. */
  webhookTargets: 'WEBHOOK_TARGETS',
  jwtIssuer: 'JWT_ISSUER',
  jwtAudience: 'JWT_AUDIENCE',
  jwksUri: 'JWKS_URI',
  /** The claim of a token that says which keys its holder may use. */
  jwtAccessClaim: 'JWT_ACCESS_CLAIM',
  logLevel: 'LOG_LEVEL',
  /** The namespace of the metrics that the functions write. */
  metricsNamespace: 'METRICS_NAMESPACE',
} as const;

/** The log line of a handshake without token and invite; the stack counts these lines. */
export const withoutCredentials = 'A handshake brought no credentials';

/** The log line of a row that a sweep cannot update; the stack counts these lines. */
export const setAsideMessage = 'A row could not be processed and is set aside';

/** Keys of the DynamoDB tables. The stack makes the tables with these keys, and the functions read them. */
export const tableKeys = {
  /**
   * One item for each connection (`sessionId` = `-`) and one for each session that it joined. The items are read by
   * connection when it ends, and by session when Redis has to be rebuilt.
   */
  connections: {
    partitionKey: 'connectionId',
    sortKey: 'sessionId',
    timeToLive: 'expiresAt',
    // Both indexes are sparse: only a membership has `joinedSession`, and only the connection's own item has
    // `connectedUser`. So neither index has all connections under one key.
    indexes: {
      bySession: { partitionKey: 'joinedSession', sortKey: 'connectionId' },
      byUser: { partitionKey: 'connectedUser', sortKey: 'connectionId' },
    },
  },
  /** Activities that wait for PostgreSQL; in a shard they have the order in which they were written. */
  outbox: { partitionKey: 'shard', sortKey: 'position', timeToLive: 'expiresAt', indexes: {} },
} as const;
