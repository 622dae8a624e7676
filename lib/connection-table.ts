import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { environmentNames, tableKeys } from '../lambdas/platform/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

/** The DynamoDB actions that each table action of this project permits. */
const actionsOf = {
  get: ['dynamodb:GetItem'],
  query: ['dynamodb:Query'],
  put: ['dynamodb:PutItem'],
  update: ['dynamodb:UpdateItem'],
  delete: ['dynamodb:DeleteItem'],
  writeMany: ['dynamodb:BatchWriteItem'],
} as const satisfies Record<string, string[]>;

export type TableAction = keyof typeof actionsOf;

interface TableDefinition {
  partitionKey: string;
  sortKey: string;
  timeToLive: string;
  indexes: Record<string, { partitionKey: string; sortKey: string }>;
}

interface TableProps {
  keys: TableDefinition;
  variable: typeof environmentNames.connectionsTable | typeof environmentNames.outboxTable;
  /** Whether point-in-time recovery is on (35 days). */
  backedUp: boolean;
  /** Whether deleting the stack keeps the table. */
  retained: boolean;
}

/** An encrypted on-demand DynamoDB table. Its keys come from `tableKeys`, which the functions use too. */
class KeyedTable extends Construct {
  readonly table: dynamodb.Table;
  private readonly variable: TableProps['variable'];
  private readonly indexNames: string[];

  constructor(scope: Construct, id: string, props: TableProps) {
    super(scope, id);
    this.variable = props.variable;
    this.indexNames = Object.keys(props.keys.indexes);
    this.table = new dynamodb.Table(this, 'Table', {
      partitionKey: text(props.keys.partitionKey),
      sortKey: text(props.keys.sortKey),
      timeToLiveAttribute: props.keys.timeToLive,
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: props.backedUp },
      removalPolicy: props.retained ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    for (const [indexName, index] of Object.entries(props.keys.indexes)) {
      this.table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: text(index.partitionKey),
        sortKey: text(index.sortKey),
      });
    }
  }

  /** Permits these actions and sets the variable with the table's name. A permitted query covers the indexes too. */
  grantAccess(fn: RollcallFunction, ...actions: [TableAction, ...TableAction[]]): void {
    fn.allow(
      actions.flatMap((action) => actionsOf[action]),
      [this.table.tableArn],
    );
    if (actions.includes('query') && this.indexNames.length > 0) {
      fn.allow(
        [...actionsOf.query],
        this.indexNames.map((name) => `${this.table.tableArn}/index/${name}`),
      );
    }
    fn.setVariable(this.variable, this.table.tableName);
  }
}

function text(name: string): dynamodb.Attribute {
  return { name, type: dynamodb.AttributeType.STRING };
}

/** The connections and their memberships. The data lives no longer than a connection, so it needs no backup. */
export class ConnectionTable extends KeyedTable {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      keys: tableKeys.connections,
      variable: environmentNames.connectionsTable,
      backedUp: false,
      retained: false,
    });
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-DDB3',
      reason: 'A connection lives for at most two hours and its client registers the next one, so a backup has no use.',
    });
  }
}

/** Acknowledged entries that wait for PostgreSQL. None may be lost [AC1]. */
export class ActivityOutbox extends KeyedTable {
  constructor(scope: Construct, id: string, protectedData: boolean) {
    super(scope, id, {
      keys: tableKeys.outbox,
      variable: environmentNames.outboxTable,
      backedUp: true,
      retained: protectedData,
    });
  }
}
