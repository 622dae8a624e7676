import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { tableKeys } from '../../lambdas/platform/environment.ts';
import { testAddresses } from '../support/addresses.ts';

interface Keys {
  partitionKey: string;
  sortKey: string;
}

export function campaignClient(): DynamoDBClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  return new DynamoDBClient({ endpoint: testAddresses.dynamodb, region: 'us-east-1', credentials });
}

/** Creates the tables of the product on the DynamoDB-compatible server of the test run. @returns their names. */
export async function createCampaignTables(): Promise<{ connections: string; outbox: string }> {
  const client = campaignClient();
  const create = async (name: keyof typeof tableKeys) => {
    const { indexes, ...keys } = tableKeys[name];
    const TableName = `${name}-${randomUUID()}`;
    const all = [keys, ...(Object.values(indexes) as Keys[])];
    const names = new Set(all.flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey]));
    const secondary = Object.entries(indexes as Record<string, Keys>).map(([IndexName, index]) => ({
      IndexName,
      KeySchema: schemaOf(index),
      Projection: { ProjectionType: 'ALL' as const },
    }));
    await client.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [...names].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
        KeySchema: schemaOf(keys),
        ...(secondary.length > 0 ? { GlobalSecondaryIndexes: secondary } : {}),
      }),
    );
    return TableName;
  };
  const [connections, outbox] = [await create('connections'), await create('outbox')];
  client.destroy();
  return { connections, outbox };
}

function schemaOf({ partitionKey, sortKey }: Keys) {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' as const },
    { AttributeName: sortKey, KeyType: 'RANGE' as const },
  ];
}
