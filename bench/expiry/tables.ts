import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tableKeys } from '../../lambdas/platform/environment.ts';

const schema = (partition: string, sort: string) => [
  { AttributeName: partition, KeyType: 'HASH' as const },
  { AttributeName: sort, KeyType: 'RANGE' as const },
];

/** Creates the tables of the connections and of the outbox, under the names of their keys in `tableKeys`. */
export async function createTables(client: DynamoDBClient): Promise<void> {
  for (const [name, { partitionKey, sortKey, indexes }] of Object.entries(tableKeys)) {
    const keys = [{ partitionKey, sortKey }, ...Object.values(indexes)].flatMap((key) => [
      key.partitionKey,
      key.sortKey,
    ]);
    const secondary = Object.entries(indexes).map(([IndexName, key]) => ({
      IndexName,
      KeySchema: schema(key.partitionKey, key.sortKey),
      Projection: { ProjectionType: 'ALL' as const },
    }));
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [...new Set(keys)].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: schema(partitionKey, sortKey),
        ...(secondary.length > 0 ? { GlobalSecondaryIndexes: secondary } : {}),
      }),
    );
  }
}
