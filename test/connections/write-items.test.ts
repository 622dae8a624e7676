import type { BatchWriteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { deletion, writeItems } from '../../lambdas/connections/write-items.ts';

test('an item that DynamoDB never processes does not keep the items of later batches from being written, and is reported', async () => {
  const written = new Set<string>();
  const client = {
    async send({ input }: BatchWriteItemCommand) {
      const requests = input.RequestItems!['table']!;
      const nameOf = (request: (typeof requests)[number]) => request.DeleteRequest!.Key!['connectionId']!.S!;
      for (const request of requests) if (nameOf(request) !== 'stuck') written.add(nameOf(request));
      return { UnprocessedItems: { table: requests.filter((request) => nameOf(request) === 'stuck') } };
    },
  } as unknown as DynamoDBClient;
  const names = ['stuck', ...Array.from({ length: 60 }, (_, index) => `connection ${index}`)];
  const requests = names.map((connectionId) => deletion({ connectionId, sessionId: 'session' }));
  await expect(writeItems(client, 'table', requests, { wait: async () => {} })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    cause: { message: '1 items stay unprocessed' },
  });
  expect(written).toEqual(new Set(names.slice(1)));
});
