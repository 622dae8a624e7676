import type * as rds from 'aws-cdk-lib/aws-rds';
import type { IConstruct } from 'constructs';
import type { RollcallFunction } from './lambda-function.ts';

/** Redis, as the other constructs use it. */
export interface Cache {
  /** The name of an ElastiCache Serverless cache, the dimension of its metrics. Undefined: no metrics are known. */
  readonly cacheName: string | undefined;
  /** Permits connections from the function and sets the variables with the address. */
  grantAccess(fn: RollcallFunction): void;
}

/** PostgreSQL, as the other constructs use it. */
export interface Database {
  /** The instance that has metrics. Undefined: no metrics are known. */
  readonly instance: rds.IDatabaseInstance | undefined;
  /** The number of connections that raises an alarm. Undefined: the limit of the server is not known. */
  readonly manyConnections: number | undefined;
  /** What must exist before the migrations run. */
  readonly readyAfter: IConstruct[];
  /** What must not exist before they ran. */
  readonly afterMigrations: IConstruct[];
  /** Permits connections with the rights of the service, and sets the variable with the address of its credentials. */
  grantAccess(fn: RollcallFunction): void;
  /** Permits connections as the owner of the tables, for the migrations. */
  grantOwnership(fn: RollcallFunction): void;
}
