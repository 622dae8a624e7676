import { createHash } from 'node:crypto';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  type WriteRequest,
} from '@aws-sdk/client-dynamodb';
import { v7 as uuidv7 } from 'uuid';
import { tableKeys } from '../platform/environment.ts';
import { inParallel } from '../platform/in-parallel.ts';
import type { ActivityEntry } from './activity-entry.ts';

const { partitionKey, sortKey } = tableKeys.outbox;
/** DynamoDB accepts at most this many writes in one request. */
const requestItems = 25;
const unprocessedAttempts = 4;
/** Entries looked up at the same time. */
const parallelLookups = 20;

/** All entries of a session are in one shard, so that they keep their order. Several shards allow more writes than one. */
export const outboxShards = Array.from({ length: 8 }, (_, number) => `activity-${number}`);
/** Holds entries that PostgreSQL refuses, until an operator deals with them. */
export const asideShard = 'activity-aside';

/** An entry with its position in the outbox. */
export interface OutboxItem {
  shard: string;
  /** UUIDv7 of the time of writing, so items sort in the order of writing. */
  position: string;
  /** Undefined if the item cannot be read. */
  entry: ActivityEntry | undefined;
  /** The entry as it is stored. */
  text: string;
}

/** When an item was written to the outbox, Unix milliseconds. The first 48 bits of a UUIDv7 are its time. */
export function writtenAt({ position }: Pick<OutboxItem, 'position'>): number {
  return Number.parseInt(position.replaceAll('-', '').slice(0, 12), 16);
}

export interface ActivityOutboxOptions {
  client: Pick<DynamoDBClient, 'send'>;
  /** Name of the table (`OUTBOX_TABLE`). */
  table: string;
}

/**
 * Holds acknowledged activity while PostgreSQL is away (rule AC3). Items have no TTL, because DynamoDB must never remove an
 * entry that is not in PostgreSQL yet.
 */
export class ActivityOutbox {
  readonly #client: Pick<DynamoDBClient, 'send'>;
  readonly #table: string;

  constructor(options: ActivityOutboxOptions) {
    this.#client = options.client;
    this.#table = options.table;
  }

  /** Stores the entries in the given order. When it resolves, they are durable. */
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
   * The entries with these ids that are in the outbox, by id (rule AC7). Only entries whose id was chosen are found.
   *
   * An attempt that was killed may have written only the item that is found by id, and not the one that a replay reads. So
   * this writes the other item again, and when it resolves, the entries are durable. If a replay has moved an entry to
   * PostgreSQL meanwhile, the next replay finds the id there and removes the item.
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

  /** How many items wait in a shard. */
  async count(shard: string): Promise<number> {
    let [sum, next] = [0, undefined as Record<string, AttributeValue> | undefined];
    do {
      const { Count = 0, LastEvaluatedKey }: QueryCommandOutput = await this.#client.send(
        new QueryCommand({
          TableName: this.#table,
          KeyConditionExpression: '#shard = :shard',
          ExpressionAttributeNames: { '#shard': partitionKey },
          ExpressionAttributeValues: { ':shard': { S: shard } },
          Select: 'COUNT',
          ExclusiveStartKey: next,
        }),
      );
      sum += Count;
      next = LastEvaluatedKey;
    } while (next);
    return sum;
  }

  /** Removes items that were written elsewhere. Items that do not exist any more are ignored. */
  async remove(items: readonly OutboxItem[]): Promise<void> {
    await this.#write(items.flatMap(keysOf).map((Key) => ({ DeleteRequest: { Key } })));
  }

  /**
   * Moves an entry to the shard {@link asideShard}, where it delays no other entry. It is written there before it is
   * removed here, so a crash in between loses nothing.
   */
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

  /** A throttled table may process only some of the writes. The others are sent again. */
  async #writeAll(requests: WriteRequest[]): Promise<void> {
    let open = requests;
    for (let attempt = 1; open.length > 0; attempt++) {
      if (attempt > unprocessedAttempts) throw new Error(`The outbox did not take ${open.length} entries.`);
      const command = new BatchWriteItemCommand({ RequestItems: { [this.#table]: open } });
      open = (await this.#client.send(command)).UnprocessedItems?.[this.#table] ?? [];
    }
  }
}

/** DynamoDB refuses a request that names an item twice. Two attempts with one id would do so; the first one counts. */
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

/** The key under which a repeatable entry is found by its id. A replay does not read it. */
function keyOfId(id: string): Record<string, AttributeValue> {
  return keyOf(`id ${id}`, 'first');
}

/** The keys of all items that the outbox holds of an entry. */
function keysOf({ shard, position, entry }: OutboxItem): Record<string, AttributeValue>[] {
  const own = keyOf(shard, position);
  return entry?.isRepeatable ? [keyOfId(entry.id), own] : [own];
}

function putRequest(shard: string, position: string, text: string): WriteRequest {
  return { PutRequest: { Item: { ...keyOf(shard, position), entry: { S: text } } } };
}

/** Writes the entry under its position, and also under its id if a retry may look for it. */
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
    // The replay sets the item aside as it is, and logs that.
    return undefined;
  }
}
