import type { Pool, PoolClient } from 'pg';
import { isRowFault } from '../platform/row-fault.ts';
import { SetAside } from '../platform/set-aside.ts';
import { inTransaction } from '../platform/transaction.ts';
import * as sql from './rollup-sql.ts';
import { type CountedEntry, type Tally, tallyOf } from './tally.ts';

export interface RollupOptions {
  pool: Pick<Pool, 'query' | 'connect'>;
  /** Unix milliseconds. */
  clock: () => number;
  /** How long the audit trail, and the rows with ids of sessions and people, are kept, milliseconds. */
  activityRetentionMillis: number;
  /** How long the counts are kept, milliseconds. */
  analyticsRetentionMillis: number;
}

export interface RollupResult {
  /** Links that were counted. */
  counted: number;
  /** False if the time was over before all links were counted, or if another sweep is counting. */
  complete: boolean;
}

/** What the next batch may contain. */
interface BatchPlan {
  limit: number;
  guests: boolean;
  /** The error of a batch with guests, until one without them shows who caused it. */
  guestFault?: unknown;
}

interface Batch {
  links: number;
  isLast: boolean;
}

const batchLinks = 2000;
const batchGuests = 500;
/** Key of the advisory lock that lets one rollup work at a time. */
const rollupLock = 7_310_102;
const dayMillis = 86_400_000;
/** A run must leave time for the other work of its sweep. */
const runMillis = 10_000;
/** How many types of activity are counted by name on one day. */
export const namedTypes = 200;

/** Keeps the counts of the analytics from the links of the audit trail. Several may run; only one of them works at a time. */
export class AnalyticsRollup {
  readonly #options: RollupOptions;

  constructor(options: RollupOptions) {
    this.#options = options;
  }

  /** Counts the links that were added since the last run. @param millis no new batch begins after this time. */
  async run(millis = runMillis): Promise<RollupResult> {
    const deadline = performance.now() + millis;
    const plan: BatchPlan = { limit: batchLinks, guests: true };
    for (let counted = 0; ; ) {
      const batch = await this.#countNext(plan);
      if (batch === undefined) return { counted, complete: false };
      counted += batch.links;
      if (batch.isLast) return { counted, complete: true };
      if (performance.now() >= deadline) return { counted, complete: false };
    }
  }

  /**
   * Counts a batch. If a row makes it fail, guests are left out, and then the next batch is half as large, until one link is alone: it is
   * set aside and never counted, and the links behind it are.
   *
   * @returns undefined if another rollup holds the lock.
   */
  async #countNext(plan: BatchPlan): Promise<Batch | undefined> {
    const { pool, clock } = this.#options;
    try {
      const batch = await inTransaction(pool, 'write', (client) => this.#countBatch(client, plan));
      if (plan.guestFault) await new SetAside(pool, clock).add('count', 'guests', plan.guestFault);
      plan.guestFault = undefined;
      plan.limit = Math.min(2 * plan.limit, batchLinks);
      return batch;
    } catch (error) {
      if (!isRowFault(error)) throw error;
      if (plan.guests) Object.assign(plan, { guests: false, guestFault: error });
      else if (plan.limit === 1) return this.#skipLink(error);
      // Not the guests made it fail.
      else Object.assign(plan, { limit: Math.ceil(plan.limit / 2), guestFault: undefined });
      return { links: 0, isLast: false };
    }
  }

  #skipLink(error: unknown): Promise<Batch | undefined> {
    const { pool, clock } = this.#options;
    return inTransaction(pool, 'write', async (client) => {
      if (!(await isMine(client))) return undefined;
      const { rows } = await client.query<{ position: string }>(sql.skipLink);
      for (const { position } of rows) await new SetAside(client, clock).add('count', position, error);
      return { links: 0, isLast: rows.length === 0 };
    });
  }

  /** Removes what is older than its retention: first what names sessions and people, then the counts. */
  async removeExpired(millis = runMillis): Promise<void> {
    const deadline = performance.now() + millis;
    const { pool, clock, analyticsRetentionMillis } = this.#options;
    for (const table of ['analytics_sessions', 'analytics_people'] as const) {
      for (let removed: number | null = 1; removed; ) {
        if (performance.now() >= deadline) return;
        removed = (await pool.query(sql.removeOldestDay(table), [this.#firstNamedDay()])).rowCount;
      }
    }
    await inTransaction(pool, 'write', async (client) => {
      if (await isMine(client)) await client.query(sql.removeCounts, [startOfDay(clock() - analyticsRetentionMillis)]);
    });
  }

  /** Undefined if another rollup holds the lock. */
  async #countBatch(client: PoolClient, plan: BatchPlan): Promise<Batch | undefined> {
    if (!(await isMine(client))) return undefined;
    const progress = await client.query<{ position: string }>('SELECT position FROM analytics_progress');
    const values = [progress.rows[0]!.position, plan.limit];
    const text = { name: 'analytics-read', text: sql.readEntries, values };
    const { rows } = await client.query<CountedEntry & { position: string }>(text);
    await this.#add(client, tallyOf(rows.filter(({ sessionId }) => sessionId !== null)));
    const guests = plan.guests ? await this.#giveGuestDays(client) : 0;
    const isLast = rows.length < plan.limit && guests < batchGuests;
    await client.query(
      `UPDATE analytics_progress SET position = coalesce($1::bigint, position),
         counted_at = CASE WHEN $2 THEN to_timestamp($3::float8 / 1000) ELSE counted_at END`,
      [rows.at(-1)?.position, isLast, this.#options.clock()],
    );
    return { links: rows.length, isLast };
  }

  /** Gives the days of guests who signed in to their users (rule AN4). @returns how many guests. */
  async #giveGuestDays(client: PoolClient): Promise<number> {
    const firstDay = this.#firstNamedDay();
    const values = [batchGuests, firstDay];
    const text = { name: 'analytics-guests', text: sql.takeGuestDays, values };
    const { rows } = await client.query<{ guestId: string; personId: string; day: number | null }>(text);
    await this.#addPeople(
      client,
      rows.flatMap(({ personId, day }) => (day === null ? [] : [{ personId, day }])),
      firstDay,
    );
    return new Set(rows.map(({ guestId }) => guestId)).size;
  }

  async #add(client: PoolClient, { counts, minutes, days, types, sessions, people }: Tally): Promise<void> {
    const add = adder(client);
    const firstDay = this.#firstNamedDay();
    await add(sql.addCounts, counts, ['hour', 'figure', 'label', 'count']);
    await add(sql.addMinutes, minutes, ['minute', 'joined', 'departed']);
    await add(sql.computeHours, minutes, ['minute']);
    await add(sql.addDays, days, ['day', 'joined', 'departed']);
    await add(sql.addTypes, types, ['day', 'activityType', 'count'], namedTypes);
    await add(sql.addSessions, sessions, ['day', 'sessionId', 'entries', 'joins'], firstDay);
    await this.#addPeople(client, people, firstDay);
  }

  async #addPeople(client: PoolClient, people: Tally['people'], firstDay: number): Promise<void> {
    const add = adder(client);
    const fresh = (await add(sql.addPeople, people, ['day', 'personId'], firstDay))?.rows ?? [];
    const daysKept = Math.ceil(this.#options.activityRetentionMillis / dayMillis);
    await add(sql.countPeople, fresh as { day: string; personId: string }[], ['day', 'personId'], daysKept);
  }

  /** The first day whose sessions and people are kept, Unix milliseconds. */
  #firstNamedDay(): number {
    return startOfDay(this.#options.clock() - this.#options.activityRetentionMillis);
  }
}

/** Runs a statement with the columns of rows, unless there are none. */
function adder(client: PoolClient) {
  return <Row>(text: string, rows: readonly Row[], keys: readonly (keyof Row)[], ...more: unknown[]) =>
    rows.length === 0 ? undefined : client.query(text, [...keys.map((key) => rows.map((row) => row[key])), ...more]);
}

function startOfDay(time: number): number {
  return Math.floor(time / dayMillis) * dayMillis;
}

async function isMine(client: PoolClient): Promise<boolean> {
  const { rows } = await client.query('SELECT pg_try_advisory_xact_lock($1) AS mine', [rollupLock]);
  return rows[0].mine;
}
