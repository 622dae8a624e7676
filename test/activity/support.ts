import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, ScanCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { Pool } from 'pg';
import type { ActivityEntry } from '../../lambdas/activity/activity-entry.ts';
import { ActivityOutbox } from '../../lambdas/activity/activity-outbox.ts';
import { tableKeys } from '../../lambdas/platform/environment.ts';
import { log } from '../../lambdas/platform/log.ts';
import { freePort } from '../../local/backing/free-port.ts';
import { testAddresses } from '../support/addresses.ts';

// The tests cause failures on purpose, so their log lines are dropped.
log.setLogLevel('SILENT');

export interface TestOutbox {
  client: DynamoDBClient;
  table: string;
  outbox: ActivityOutbox;
  /** All waiting entries, in order of shard and position. */
  items(): Promise<{ shard: string; entry: ActivityEntry }[]>;
  /** All items of the table; an entry that can be found by its id has two items. */
  size(): Promise<number>;
}

/** A separate outbox on the DynamoDB-compatible server of the test run. */
export async function createOutbox(): Promise<TestOutbox> {
  const client = new DynamoDBClient({
    endpoint: testAddresses.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const table = `outbox-${randomUUID()}`;
  const { partitionKey, sortKey } = tableKeys.outbox;
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [partitionKey, sortKey].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: [
        { AttributeName: partitionKey, KeyType: 'HASH' },
        { AttributeName: sortKey, KeyType: 'RANGE' },
      ],
    }),
  );
  // The call returns before the table is ready, here as on AWS.
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { TableName: table });
  return {
    client,
    table,
    outbox: new ActivityOutbox({ client, table }),
    async items() {
      const { Items = [] } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
      const waiting = Items.filter((item) => item[partitionKey]!.S!.startsWith('activity-'));
      return waiting
        .map((item) => ({
          shard: item[partitionKey]!.S!,
          position: item[sortKey]!.S!,
          entry: JSON.parse(item['entry']!.S!) as ActivityEntry,
        }))
        .sort((a, b) => (a.shard + a.position < b.shard + b.position ? -1 : 1));
    },
    async size() {
      const { Count = 0 } = await client.send(new ScanCommand({ TableName: table, ConsistentRead: true }));
      return Count;
    },
  };
}

/** A pool for a database that does not exist: no server listens on its port. */
export async function absentDatabase(): Promise<Pool> {
  return new Pool({ host: '127.0.0.1', port: await freePort(), connectionTimeoutMillis: 500 });
}

/** A pool that counts its statements and can simulate an outage. */
export class SwitchedPool {
  statements = 0;
  away = false;
  readonly query: Pool['query'];
  readonly connect: Pool['connect'];

  constructor(pool: Pool) {
    const reach = async <T>(use: () => Promise<T>): Promise<T> => {
      if (this.away) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      this.statements += 1;
      return use();
    };
    this.query = ((...parameters: [string]) => reach(() => pool.query(...parameters))) as unknown as Pool['query'];
    this.connect = (() => reach(() => pool.connect())) as unknown as Pool['connect'];
  }
}
