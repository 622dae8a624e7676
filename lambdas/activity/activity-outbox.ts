import { createHash } from 'node:crypto';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  type DynamoDBClient,
  QueryCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { v7 as uuidv7 } from 'uuid';
import { tableKeys } from '../platform/environment.ts';
import type { ActivityEntry } from './activity-entry.ts';

const { partitionKey, sortKey } = tableKeys.outbox;
/** DynamoDB takes at most this many writes in one request. */
const requestItems = 25;
const unprocessedAttempts = 4;

/** All entries of a session share a shard, so that they keep their order; several shards carry more than one can. */
export const outboxShards = Array.from({ length: 8 }, (_, number) => `activity-${number}`);
/** Where entries that PostgreSQL refuses wait for a person. */
export const asideShard = 'activity-aside';

/** An entry with its place in the outbox. */
export interface OutboxItem {
  shard: string;
  /** UUIDv7 of the moment it was put there: sorts in the order of writing. */
  position: string;
  /** Undefined where the item cannot be read. */
  entry: ActivityEntry | undefined;
  /** The entry as it is stored. */
  text: string;
}

export interface ActivityOutboxOptions {
  client: Pick<DynamoDBClient, 'send'>;
  /** Name of the table (`OUTBOX_TABLE`). */
  table: string;
}

/**
 * Where acknowledged activity waits while PostgreSQL is away (rule AC3). Items carry no time to live: DynamoDB must never
 * remove what was not written yet.
 */
export class ActivityOutbox {
  readonly #client: Pick<DynamoDBClient, 'send'>;
  readonly #table: string;

  constructor(options: ActivityOutboxOptions) {
    this.#client = options.client;
    this.#table = options.table;
  }

  /** Stores the entries in the order given; when it resolves they are durable. */
  async put(entries: readonly ActivityEntry[], shard?: string): Promise<void> {
    const requests = entries.map((entry) => putRequest(shard ?? shardOf(entry), uuidv7(), JSON.stringify(entry)));
    await this.#write(requests);
  }

  /** The oldest items of a shard, at most `limit`. */
  async oldest(shard: string, limit: number): Promise<OutboxItem[]> {
    const { Items = [] } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: '#shard = :shard',
        ExpressionAttributeNames: { '#shard': partitionKey },
        ExpressionAttributeValues: { ':shard': { S: shard } },
        ConsistentRead: true,
        Limit: limit,
      }),
    );
    return Items.map(toOutboxItem);
  }

  /** Forgets items that were written elsewhere; an item that is gone already does no harm. */
  async remove(items: readonly OutboxItem[]): Promise<void> {
    await this.#write(items.map((item) => ({ DeleteRequest: { Key: keyOf(item.shard, item.position) } })));
  }

  /** Moves an entry to where it stops nobody; it is in both places for a moment rather than in none. */
  async setAside(item: OutboxItem): Promise<void> {
    await this.#write([putRequest(asideShard, item.position, item.text)]);
    await this.remove([item]);
  }

  async #write(requests: WriteRequest[]): Promise<void> {
    for (let start = 0; start < requests.length; start += requestItems) {
      await this.#writeAll(requests.slice(start, start + requestItems));
    }
  }

  /** A throttled table answers that some writes were not done; those are sent again. */
  async #writeAll(requests: WriteRequest[]): Promise<void> {
    let open = requests;
    for (let attempt = 1; open.length > 0; attempt++) {
      if (attempt > unprocessedAttempts) throw new Error(`The outbox did not take ${open.length} entries.`);
      const command = new BatchWriteItemCommand({ RequestItems: { [this.#table]: open } });
      open = (await this.#client.send(command)).UnprocessedItems?.[this.#table] ?? [];
    }
  }
}

function shardOf(entry: ActivityEntry): string {
  const number = createHash('sha256').update(entry.sessionId).digest().readUInt32BE(0) % outboxShards.length;
  return outboxShards[number]!;
}

function keyOf(shard: string, position: string): Record<string, AttributeValue> {
  return { [partitionKey]: { S: shard }, [sortKey]: { S: position } };
}

function putRequest(shard: string, position: string, text: string): WriteRequest {
  return { PutRequest: { Item: { ...keyOf(shard, position), entry: { S: text } } } };
}

function toOutboxItem(item: Record<string, AttributeValue>): OutboxItem {
  const text = item['entry']?.S ?? '';
  return { shard: item[partitionKey]!.S!, position: item[sortKey]!.S!, entry: parsedEntry(text), text };
}

function parsedEntry(text: string): ActivityEntry | undefined {
  try {
    return JSON.parse(text) as ActivityEntry;
  } catch {
    // Whoever replays sets it aside as it is, and says so.
    return undefined;
  }
}
