import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type * as rds from 'aws-cdk-lib/aws-rds';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import { environmentNames } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';
import type { Cache, Database } from './stores.ts';

/** A Redis or Valkey server that exists. It accepts TLS only, has no password, and serves one Rollcall. */
export interface ExistingCacheProps {
  /** The host name of its endpoint; of a cluster, the configuration endpoint. */
  host: string;
  /** Default: 6379. */
  port?: number;
  /** Whether it runs in cluster mode, as each ElastiCache Serverless cache does. Default: true. */
  cluster?: boolean;
  /** Its security group. Each function that uses the cache gets a rule. */
  securityGroup: ec2.ISecurityGroup;
  /** The name of an ElastiCache Serverless cache, for the dashboard and an alarm. Default: neither shows the cache. */
  serverlessName?: string;
}

/** A database of PostgreSQL 18 that exists. It serves one Rollcall. */
export interface ExistingDatabaseProps {
  /**
   * The credentials as RDS keeps them: JSON with `host`, `port`, `dbname`, `username` and `password`. The user must be allowed to
   * create tables and roles.
   */
  secret: secretsmanager.ISecret;
  /**
   * The credentials of the functions, in the same form and with another user. The migrations create this user, who may not change
   * tables or entries of the audit trail. Default: the functions use `secret`, and may do both.
   */
  serviceSecret?: secretsmanager.ISecret;
  /** The security group of the server. Each function that uses the database gets a rule. */
  securityGroup: ec2.ISecurityGroup;
  /** The port of the server. Default: 5432. */
  port?: number;
  /** The instance, for the dashboard and an alarm. Default: neither shows the database. */
  instance?: rds.IDatabaseInstance;
}

/** Access to a cache that exists. */
export class ExistingCache implements Cache {
  readonly cacheName: string | undefined;
  private readonly props: ExistingCacheProps;

  constructor(props: ExistingCacheProps) {
    this.props = props;
    this.cacheName = props.serverlessName;
  }

  /** Permits connections from the function and sets the variables with the address. */
  grantAccess(fn: RollcallFunction): void {
    const { host, port = 6379, cluster = true, securityGroup } = this.props;
    // A serverless cache answers readers on the next port.
    const ports = this.cacheName === undefined ? ec2.Port.tcp(port) : ec2.Port.tcpRange(port, port + 1);
    fn.connections.allowTo(securityGroup, ports, 'Redis');
    fn.setVariable(environmentNames.redisUrl, `rediss://${host}:${port}`);
    if (cluster) fn.setVariable(environmentNames.redisCluster, 'true');
  }
}

/**
 * Access to a database that exists.
 *
 * @throws Error with a sentence for the user if only the name of the secret is known.
 */
export class ExistingDatabase implements Database {
  readonly instance: rds.IDatabaseInstance | undefined;
  readonly readyAfter: IConstruct[];
  readonly manyConnections = undefined;
  readonly afterMigrations: IConstruct[] = [];
  private readonly props: ExistingDatabaseProps;

  constructor(props: ExistingDatabaseProps) {
    const { secret, serviceSecret, securityGroup, instance } = props;
    for (const each of [secret, ...(serviceSecret ? [serviceSecret] : [])]) arnOf(each);
    this.props = props;
    this.instance = instance;
    // The rule that lets the migrations in belongs to the group.
    this.readyAfter = [
      ...[secret, securityGroup],
      ...(serviceSecret ? [serviceSecret] : []),
      ...(instance ? [instance] : []),
    ];
  }

  /** Permits connections with the rights of the service, and sets the variable with the address of its credentials. */
  grantAccess(fn: RollcallFunction): void {
    this.admit(fn, this.props.serviceSecret ?? this.props.secret);
  }

  /** Permits connections as the owner of the tables, and reading the credentials of the service. */
  grantOwnership(fn: RollcallFunction): void {
    const { secret, serviceSecret } = this.props;
    this.admit(fn, secret);
    if (!serviceSecret) return;
    this.allowReading(fn, serviceSecret);
    fn.setVariable(environmentNames.serviceSecretArn, arnOf(serviceSecret));
  }

  private admit(fn: RollcallFunction, secret: secretsmanager.ISecret): void {
    const { securityGroup, port = 5432 } = this.props;
    fn.connections.allowTo(securityGroup, ec2.Port.tcp(port), 'PostgreSQL');
    this.allowReading(fn, secret);
    fn.setVariable(environmentNames.databaseSecretArn, arnOf(secret));
  }

  private allowReading(fn: RollcallFunction, secret: secretsmanager.ISecret): void {
    fn.allow(['secretsmanager:GetSecretValue'], [arnOf(secret)]);
    if (secret.encryptionKey) fn.allow(['kms:Decrypt'], [secret.encryptionKey.keyArn]);
  }
}

function arnOf({ secretFullArn }: secretsmanager.ISecret): string {
  if (secretFullArn !== undefined) return secretFullArn;
  throw new Error(
    'The secret of the database has no complete ARN, so no permission can name it; use Secret.fromSecretCompleteArn.',
  );
}
