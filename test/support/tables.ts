import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { tableKeys } from '../../lambdas/platform/environment.ts';
import { testAddresses } from './addresses.ts';
import { timeLimits } from './time-limits.ts';

/** Environment variables for the AWS clients, which the Lambda runtime sets otherwise. */
export const testAwsVariables = () => ({
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_ENDPOINT_URL_DYNAMODB: testAddresses.dynamodb,
});

/** Creates a new connection table in the DynamoDB of the test run. @returns its name. */
export async function createConnectionTable(): Promise<string> {
  const { partitionKey, sortKey, indexes } = tableKeys.connections;
  const name = `connections-${randomUUID()}`;
  const attributes = [{ partitionKey, sortKey }, ...Object.values(indexes)].flatMap((keys) => [
    keys.partitionKey,
    keys.sortKey,
  ]);
  const schema = (partition: string, sort: string) => [
    { AttributeName: partition, KeyType: 'HASH' as const },
    { AttributeName: sort, KeyType: 'RANGE' as const },
  ];
  const client = new DynamoDBClient({
    endpoint: testAddresses.dynamodb,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  await client.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [...new Set(attributes)].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: schema(partitionKey, sortKey),
      GlobalSecondaryIndexes: Object.entries(indexes).map(([IndexName, keys]) => ({
        IndexName,
        KeySchema: schema(keys.partitionKey, keys.sortKey),
        Projection: { ProjectionType: 'ALL' },
      })),
    }),
  );
  // The call returns before the table is ready, here as on AWS.
  await waitUntilTableExists(
    { client, maxWaitTime: timeLimits.event / 1000, minDelay: 1, maxDelay: 1 },
    { TableName: name },
  );
  client.destroy();
  return name;
}
