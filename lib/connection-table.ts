import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { environmentNames, tableKeys } from '../lambdas/runtime/environment.ts';
import type { RollcallFunction } from './lambda-function.ts';

/** What a function may do with a table, in words of this project. */
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
  /** Whether the content could not be made again: it is then backed up point by point and outlives the stack. */
  precious: boolean;
}

/** A DynamoDB table on demand, encrypted, whose keys come from the table that the functions read them by. */
class KeyedTable extends Construct {
  readonly table: dynamodb.Table;
  private readonly variable: TableProps['variable'];
  private readonly indexed: boolean;

  constructor(scope: Construct, id: string, props: TableProps) {
    super(scope, id);
    this.variable = props.variable;
    this.indexed = Object.keys(props.keys.indexes).length > 0;
    this.table = new dynamodb.Table(this, 'Table', {
      partitionKey: text(props.keys.partitionKey),
      sortKey: text(props.keys.sortKey),
      timeToLiveAttribute: props.keys.timeToLive,
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: props.precious },
      removalPolicy: props.precious ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    for (const [indexName, index] of Object.entries(props.keys.indexes)) {
      this.table.addGlobalSecondaryIndex({
        indexName,
        partitionKey: text(index.partitionKey),
        sortKey: text(index.sortKey),
      });
    }
  }

  /** Allows these actions, queries also on the indexes, and tells the function the table's name. */
  grantAccess(fn: RollcallFunction, ...actions: [TableAction, ...TableAction[]]): void {
    fn.allow(
      actions.flatMap((action) => actionsOf[action]),
      [this.table.tableArn],
    );
    if (this.indexed && actions.includes('query')) fn.allow([...actionsOf.query], [`${this.table.tableArn}/index/*`]);
    fn.setVariable(this.variable, this.table.tableName);
  }
}

function text(name: string): dynamodb.Attribute {
  return { name, type: dynamodb.AttributeType.STRING };
}

/** The connections and what each of them joined; it lives as long as they do and needs no backup. */
export class ConnectionTable extends KeyedTable {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      keys: tableKeys.connections,
      variable: environmentNames.connectionsTable,
      precious: false,
    });
  }
}

/** Acknowledged activity that waits for PostgreSQL: losing it would break a promise. */
export class ActivityOutbox extends KeyedTable {
  constructor(scope: Construct, id: string, protectedData: boolean) {
    super(scope, id, { keys: tableKeys.outbox, variable: environmentNames.outboxTable, precious: protectedData });
  }
}
