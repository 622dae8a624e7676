import { createHash } from 'node:crypto';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { v7 as uuidv7 } from 'uuid';
import { tableKeys } from '../platform/environment.ts';
import { inParallel } from '../platform/in-parallel.ts';
import type { ActivityEntry } from './activity-entry.ts';

const { partitionKey, sortKey } = tableKeys.outbox;
/** DynamoDB takes at most this many writes in one request. */
const requestItems = 25;
const unprocessedAttempts = 4;
/** Entries looked up at the same time. */
const parallelLookups = 20;

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
    const items = entries.map(
      (entry): OutboxItem => ({
        ...{ shard: shard ?? shardOf(entry), position: uuidv7() },
        ...{ entry, text: JSON.stringify(entry) },
      }),
    );
    await this.#write(items.flatMap(putRequests));
  }

  /**
   * Those of the entries with these ids that wait, by id (rule AC7). Only entries whose id was chosen are found.
   *
   * An attempt that was killed may have left its entry under the id alone. So what is found is put again at its place, and
   * when this resolves it is durable. If a replay has written it meanwhile, the next replay finds its id and forgets it.
   */
  async waiting(ids: readonly string[]): Promise<Map<string, ActivityEntry>> {
    const found: OutboxItem[] = [];
    await inParallel(ids, parallelLookups, async (id) => {
      const item = await this.#itemOf(id);
      if (item) found.push(item);
    });
    await this.#write(found.flatMap(putRequests));
    return new Map(found.map(({ entry }) => [entry!.id, entry!]));
  }

  async #itemOf(id: string): Promise<OutboxItem | undefined> {
    const command = new GetItemCommand({ TableName: this.#table, Key: keyOfId(id), ConsistentRead: true });
    const { Item } = await this.#client.send(command);
    const text = Item?.['entry']?.S ?? '';
    const entry = parsedEntry(text);
    return entry && { shard: Item!['waitsIn']!.S!, position: Item!['waitsAt']!.S!, entry, text };
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
    await this.#write(items.flatMap(keysOf).map((Key) => ({ DeleteRequest: { Key } })));
  }

  /** Moves an entry to where it stops nobody; it is in both places for a moment rather than in none. */
  async setAside(item: OutboxItem): Promise<void> {
    await this.#write([putRequest(asideShard, item.position, item.text)]);
    await this.remove([item]);
  }

  async #write(all: WriteRequest[]): Promise<void> {
    const requests = firstOfEachKey(all);
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

/** DynamoDB refuses a request that names an item twice. Two attempts under one id do; the first one stands. */
function firstOfEachKey(requests: WriteRequest[]): WriteRequest[] {
  const byKey = new Map<string, WriteRequest>();
  for (const request of requests) {
    const key = request.PutRequest?.Item ?? request.DeleteRequest!.Key!;
    const name = `${key[partitionKey]!.S}/${key[sortKey]!.S}`;
    if (!byKey.has(name)) byKey.set(name, request);
  }
  return [...byKey.values()];
}

function shardOf(entry: ActivityEntry): string {
  const number = createHash('sha256').update(entry.sessionId).digest().readUInt32BE(0) % outboxShards.length;
  return outboxShards[number]!;
}

function keyOf(shard: string, position: string): Record<string, AttributeValue> {
  return { [partitionKey]: { S: shard }, [sortKey]: { S: position } };
}

/** Where a repeatable entry is found by its id. No replay reads there. */
function keyOfId(id: string): Record<string, AttributeValue> {
  return keyOf(`id ${id}`, 'first');
}

/** Everything the outbox holds of an item. */
function keysOf({ shard, position, entry }: OutboxItem): Record<string, AttributeValue>[] {
  const own = keyOf(shard, position);
  return entry?.isRepeatable ? [keyOfId(entry.id), own] : [own];
}

function putRequest(shard: string, position: string, text: string): WriteRequest {
  return { PutRequest: { Item: { ...keyOf(shard, position), entry: { S: text } } } };
}

/** The entry at its place, and a second time under its id if an attempt may look for it. */
function putRequests({ shard, position, entry, text }: OutboxItem): WriteRequest[] {
  const own = putRequest(shard, position, text);
  if (!entry?.isRepeatable || shard === asideShard) return [own];
  const place = { waitsIn: { S: shard }, waitsAt: { S: position } };
  return [own, { PutRequest: { Item: { ...keyOfId(entry.id), ...place, entry: { S: text } } } }];
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
