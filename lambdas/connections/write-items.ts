import { setTimeout as sleep } from 'node:timers/promises';
import { BatchWriteItemCommand, type DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { Unavailable } from '../platform/unavailable.ts';

const batchLimit = 25;
/** Waits in milliseconds before unprocessed items are tried again. Their sum is below the time limit of one dependency. */
const retryWaits = [25, 50, 100, 200];

/** Another wait function and another source of random numbers; only tests set them. */
export interface RetryOptions {
  wait?: (millis: number) => Promise<unknown>;
  random?: () => number;
}

/** The key of an item of the connection table. */
export interface ItemKey {
  connectionId: string;
  sessionId: string;
}

/** The request that deletes an item. */
export function deletion({ connectionId, sessionId }: ItemKey): WriteRequest {
  return { DeleteRequest: { Key: marshall({ connectionId, sessionId }) } };
}

/**
 * Deletes and replaces items in batches. If DynamoDB is busy, it may process only a part of a batch. Then the rest is tried again
 * after growing, random waits.
 *
 * @throws Unavailable if items stay unprocessed, after all batches were sent.
 */
export async function writeItems(
  client: DynamoDBClient,
  table: string,
  requests: readonly WriteRequest[],
  options: RetryOptions,
): Promise<void> {
  let left = 0;
  for (let first = 0; first < requests.length; first += batchLimit) {
    left += await writeBatch(client, table, requests.slice(first, first + batchLimit), options);
  }
  if (left > 0) throw new Unavailable('connections', new Error(`${left} items stay unprocessed`));
}

/** @returns how many items stay unprocessed. */

async function writeBatch(
  client: DynamoDBClient,
  table: string,
  batch: WriteRequest[],
  { wait = sleep, random = Math.random }: RetryOptions,
): Promise<number> {
  let requests = batch;
  for (let attempt = 0; ; attempt++) {
    const answer = await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
    requests = answer.UnprocessedItems?.[table] ?? [];
    const upTo = retryWaits[attempt];
    if (requests.length === 0 || upTo === undefined) return requests.length;
    await wait(upTo * (0.5 + random() / 2));
  }
}
