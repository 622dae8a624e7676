import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { startDynamoDb } from '../../local/backing/dynamodb.ts';

test('the table server ends after the requests that it is handling', async () => {
  const server = await startDynamoDb(undefined);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint: server.endpoint, region: 'local', credentials, maxAttempts: 1 });
  const [TableName, key] = ['Things', 'id'];
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
    }),
  );
  const write = (id: number) =>
    client.send(new PutItemCommand({ TableName, Item: { [key]: { S: String(id) } } })).then(
      () => 'written',
      (error: Error) => error.name,
    );
  const first = write(0);
  // The others have the same item and wait for each other inside the server.
  const others = Array.from({ length: 200 }, () => write(1));
  await first;
  await server.stop();
  const ends = await Promise.all(others);
  expect(ends).toContain('written');
  await expect(write(2)).resolves.not.toBe('written');
  client.destroy();
});
