import type { Pool, PoolClient } from 'pg';
import { isRowFault } from '../platform/row-fault.ts';
import { SetAside } from '../platform/set-aside.ts';
import { inTransaction } from '../platform/transaction.ts';
import { removeOldAnalytics } from './analytics-retention.ts';
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
}

interface Batch {
  links: number;
  isLast: boolean;
  /** Whether a link that was set aside is due again. */
  isDue?: boolean;
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
   * Counts a batch. If a row makes it fail, the guests are left out and tried apart afterwards. If it still fails, the next batch is half
   * as large, until one link is alone: it is set aside, and the links behind it are counted.
   *
   * @returns undefined if another rollup holds the lock.
   */
  async #countNext(plan: BatchPlan): Promise<Batch | undefined> {
    try {
      const batch = await this.#locked((client) => this.#countBatch(client, plan));
      if (!plan.guests) await this.#giveGuestDaysApart();
      if (batch?.isDue) await this.#countAgain();
      Object.assign(plan, { guests: true, limit: Math.min(2 * plan.limit, batchLinks) });
      return batch;
    } catch (error) {
      if (!isRowFault(error)) throw error;
      if (plan.guests) plan.guests = false;
      else if (plan.limit > 1) plan.limit = Math.ceil(plan.limit / 2);
      else return this.#skipLink(error);
      return { links: 0, isLast: false };
    }
  }

  #skipLink(error: unknown): Promise<Batch | undefined> {
    return this.#locked(async (client) => {
      const { rows } = await client.query<{ position: string }>(sql.skipLink);
      for (const { position } of rows) await new SetAside(client, this.#options.clock).add('count', position, error);
      return { links: 0, isLast: rows.length === 0 };
    });
  }

  /** Counts links that were set aside. */
  async #countAgain(): Promise<void> {
    const { pool, clock } = this.#options;
    const { rows } = await pool.query<{ id: string }>(sql.dueLinks, [clock()]);
    const count = (ids: readonly string[]) =>
      this.#locked(async (client) => {
        // Another rollup may have counted them since they were read.
        const { rows: still } = await client.query<{ id: string }>(sql.endAside, [ids]);
        const { rows: entries } = await client.query<CountedEntry>(sql.readAgain, [still.map(({ id }) => id)]);
        await this.#add(client, tallyOf(entries.filter(({ sessionId }) => sessionId !== null)));
      });
    await this.#apart('count', rows, count);
  }

  /** Gives the days of guests to their users, and sets aside the guests of whom a row fails. */
  async #giveGuestDaysApart(): Promise<void> {
    const { pool, clock } = this.#options;
    const { rows } = await pool.query<{ id: string }>(sql.dueGuestIds, [batchGuests, clock()]);
    await this.#apart('count-guest', rows, (ids) => this.#locked((client) => this.#giveGuestDays(client, ids)));
  }

  #apart(step: 'count' | 'count-guest', rows: { id: string }[], work: (ids: readonly string[]) => Promise<unknown>) {
    const { pool, clock } = this.#options;
    const ids = rows.map(({ id }) => id);
    return new SetAside(pool, clock).apart(step, ids, async (some) => {
      await work(some);
      return [];
    });
  }

  /** @returns undefined if another rollup holds the lock. */
  #locked<T>(work: (client: PoolClient) => Promise<T>): Promise<T | undefined> {
    return inTransaction(this.#options.pool, 'write', async (client) =>
      (await isMine(client)) ? work(client) : undefined,
    );
  }

  /** Removes what is older than its retention: first what names sessions and people, then the counts. */
  async removeExpired(millis = runMillis): Promise<void> {
    const { pool, clock, analyticsRetentionMillis } = this.#options;
    const from = { named: this.#firstNamedDay(), counts: startOfDay(clock() - analyticsRetentionMillis) };
    await removeOldAnalytics(pool, clock, from, (work) => this.#locked(work), millis);
  }

  async #countBatch(client: PoolClient, plan: BatchPlan): Promise<Batch> {
    const now = this.#options.clock();
    const progress = await client.query<{ position: string; isDue: boolean }>(sql.readProgress, [now]);
    const { position, isDue } = progress.rows[0]!;
    const values = [position, plan.limit];
    const text = { name: 'analytics-read', text: sql.readEntries, values };
    const { rows } = await client.query<CountedEntry & { position: string }>(text);
    await this.#add(client, tallyOf(rows.filter(({ sessionId }) => sessionId !== null)));
    const guests = plan.guests ? await this.#giveGuestDays(client) : 0;
    const isLast = rows.length < plan.limit && guests < batchGuests;
    await client.query(
      `UPDATE analytics_progress SET position = coalesce($1::bigint, position),
         counted_at = CASE WHEN $2 THEN to_timestamp($3::float8 / 1000) ELSE counted_at END`,
      [rows.at(-1)?.position, isLast, now],
    );
    return { links: rows.length, isLast, isDue };
  }

  /**
   * Gives the days of guests who signed in to their users (rule AN4).
   *
   * @param ids of the guests; undefined for those who signed in first.
   * @returns how many guests.
   */
  async #giveGuestDays(client: PoolClient, ids?: readonly string[]): Promise<number> {
    const firstDay = this.#firstNamedDay();
    const values = [batchGuests, firstDay, this.#options.clock(), ids];
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
