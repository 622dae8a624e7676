import { setAsideMessage } from '../platform/environment.ts';
import { log } from '../platform/log.ts';
import { isRowFault } from '../platform/row-fault.ts';
import type { ActivityEntry } from './activity-entry.ts';
import { type ActivityOutbox, type OutboxItem, outboxShards, writtenAt } from './activity-outbox.ts';
import type { ActivityWriter } from './activity-writer.ts';

export interface ReplayResult {
  /** The number of entries that are in PostgreSQL now. */
  replayed: number;
  /** The number of entries that PostgreSQL refuses. They stay in the shard `activity-aside` of the outbox for an operator. */
  setAside: number;
  /** Whether the outbox is empty. It is false if PostgreSQL is still away or the time was over. */
  complete: boolean;
}

export interface Backlog {
  /** The number of entries that wait. */
  depth: number;
  /** When the oldest of them was written, Unix milliseconds; undefined if none waits. */
  oldestAt: number | undefined;
}

const batchItems = 100;

/** Moves entries from the outbox to PostgreSQL, in order. Several replays together write each entry once (rule AC3). */
export class OutboxReplay {
  readonly #outbox: ActivityOutbox;
  readonly #writer: ActivityWriter;

  constructor(outbox: ActivityOutbox, writer: ActivityWriter) {
    this.#outbox = outbox;
    this.#writer = writer;
  }

  /**
   * @param millis no new batch begins after this time.
   * @throws the first error of the outbox. A shard that fails does not keep the others from being replayed.
   */
  async run(millis: number): Promise<ReplayResult> {
    const deadline = performance.now() + millis;
    const result: ReplayResult = { replayed: 0, setAside: 0, complete: true };
    const failures: unknown[] = [];
    for (const shard of outboxShards) {
      try {
        if (!(await this.#replayShard(shard, deadline, result))) return { ...result, complete: false };
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return result;
  }

  /** What waits in the outbox. @throws the error of DynamoDB. */
  async backlog(): Promise<Backlog> {
    const shards = await Promise.all(
      outboxShards.map(async (shard) => {
        const [oldest] = await this.#outbox.oldest(shard, 1);
        return oldest ? { depth: await this.#outbox.count(shard), oldestAt: writtenAt(oldest) } : undefined;
      }),
    );
    const waiting = shards.filter((shard) => shard !== undefined);
    const depth = waiting.reduce((sum, shard) => sum + shard.depth, 0);
    return { depth, oldestAt: depth > 0 ? Math.min(...waiting.map(({ oldestAt }) => oldestAt)) : undefined };
  }

  /** Whether the shard is empty now. */
  async #replayShard(shard: string, deadline: number, result: ReplayResult): Promise<boolean> {
    for (;;) {
      const items = await this.#outbox.oldest(shard, batchItems);
      if (items.length === 0) return true;
      if (performance.now() >= deadline || !(await this.#replayBatch(items, result))) return false;
    }
  }

  /** False if PostgreSQL is away. An item is removed only after it is written, so a crash can repeat a write but loses none. */
  async #replayBatch(items: OutboxItem[], result: ReplayResult): Promise<boolean> {
    try {
      await this.#writer.writeAllToDatabase(items.map(readableEntry));
    } catch (error) {
      if (isRowFault(error)) return this.#replayOrSetAside(items, error, result);
      log.warn('PostgreSQL is still away; the outbox keeps its activity', { error: error as Error });
      return false;
    }
    await this.#outbox.remove(items);
    result.replayed += items.length;
    return true;
  }

  /** If PostgreSQL refuses a batch, its entries are written one by one. An entry that fails alone is set aside. */
  async #replayOrSetAside(items: OutboxItem[], error: unknown, result: ReplayResult): Promise<boolean> {
    const [item] = items;
    if (items.length === 1 && item) {
      log.error(setAsideMessage, { step: 'replay', id: item.entry?.id ?? item.position, error: error as Error });
      await this.#outbox.setAside(item);
      result.setAside += 1;
      return true;
    }
    for (const single of items) if (!(await this.#replayBatch([single], result))) return false;
    return true;
  }
}

class UnreadableEntry extends Error {
  /** PostgreSQL's code for invalid text, so that the item is set aside like any other bad entry. */
  readonly code = '22P02';
}

function readableEntry(item: OutboxItem): ActivityEntry {
  if (item.entry) return item.entry;
  throw new UnreadableEntry('The item is not an entry.');
}
