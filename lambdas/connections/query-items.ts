import { type DynamoDBClient, QueryCommand, type QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { type Membership, readItem } from './membership.ts';

/** All items that a query finds, from all its pages. */
export async function queryItems(client: DynamoDBClient, query: QueryCommandInput): Promise<Membership[]> {
  const items: Membership[] = [];
  let start: QueryCommandInput['ExclusiveStartKey'];
  do {
    const page = await client.send(new QueryCommand({ ...query, ExclusiveStartKey: start }));
    items.push(...(page.Items ?? []).map((item) => readItem(item) as Membership));
    start = page.LastEvaluatedKey;
  } while (start);
  return items;
}
