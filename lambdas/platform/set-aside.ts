import type { Queryable } from './database.ts';
import { setAsideMessage } from './environment.ts';
import { log } from './log.ts';
import { applyApart, isRowFault } from './row-fault.ts';

/** The steps of the sweeps that set rows aside. The id of a row is the id of its session, unless the step says otherwise. */
export type SweepStep =
  | 'expire'
  | 'announce-expiry'
  | 'warn'
  /** By participant. */
  | 'close-orphan'
  | 'purge'
  | 'forget'
  | 'silent-session'
  /** By machine. */
  | 'silent-machine'
  /** By `session:user`. */
  | 'lost-slot'
  /** By `session movement`: no sweep tries it again. */
  | 'movement'
  | 'seal'
  | 'retention'
  /** By entry. */
  | 'retention-entry'
  /** By endpoint. */
  | 'webhook-endpoint'
  /** By `endpoint event`. */
  | 'webhook'
  /** By position in the chains. */
  | 'count'
  /** By `session:guest`. */
  | 'count-guest'
  /** By `table key`. */
  | 'old-count'
  | 'checkpoint'
  /** By number of the checkpoint. */
  | 'checkpoint-heads'
  /** By `step id` of the row of the table that has all these rows. */
  | 'forget-aside'
  /** By `session:guest`. */
  | 'forget-guest'
  | 'early-warning'
  | 'live-session'
  /** By time of the figures, Unix seconds. */
  | 'figures';

/** The first wait, in minutes; each further failure doubles it. */
const firstMinutes = 1;
const longestMinutes = 24 * 60;

const insert = `
  INSERT INTO sweep_set_aside AS x (step, id, error, set_aside_at, retry_at)
  SELECT $1, $2, $3, at, at + interval '${firstMinutes} minutes' FROM to_timestamp($4::float8 / 1000) at
  ON CONFLICT (step, id) DO UPDATE SET error = excluded.error, failures = x.failures + 1,
    set_aside_at = excluded.set_aside_at,
    retry_at = excluded.set_aside_at + least(${firstMinutes} * power(2, x.failures), ${longestMinutes}) * interval '1 minute'`;

/** A condition: the row is not set aside at this time. `id` and `at` are SQL expressions. */
export function notSetAside(step: SweepStep, id: string, at: string): string {
  return `NOT EXISTS (SELECT FROM sweep_set_aside x WHERE x.step = '${step}' AND x.id = (${id})::text AND x.retry_at > ${at})`;
}

/**
 * Makes the statement of a sweep wait for locked rows, for rows that are tried apart. PostgreSQL reports a failure before
 * it releases the locks of the failed statement. So a statement that skips locked rows would leave good rows out.
 */
export function waitingForLocks(sql: string): string {
  return sql.replaceAll(' SKIP LOCKED', '');
}

/** One statement: over all its rows, or over the rows with given ids. */
export interface BatchStatement<R> {
  together(): Promise<readonly R[]>;
  ids(): Promise<readonly string[]>;
  apart(ids: readonly string[]): Promise<readonly R[]>;
}

/** Rows that a sweep cannot update. The sweep leaves them out for a while, logs them, and processes the others. */
export class SetAside {
  readonly #database: Queryable;
  readonly #clock: () => number;

  /** @param clock Unix milliseconds. */
  constructor(database: Queryable, clock: () => number) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Sets a row aside for a minute, then for two, four and so on, at most for a day. */
  async add(step: SweepStep, id: string, error: unknown): Promise<void> {
    log.error(setAsideMessage, { step, id, error: error as Error });
    const text = error instanceof Error ? error.message : String(error);
    await this.#database.query({ name: 'sweep-set-aside', text: insert, values: [step, id, text, this.#clock()] });
  }

  /** The same as {@link applyApart}, for rows with ids. */
  apart<R>(
    step: SweepStep,
    ids: readonly string[],
    apply: (ids: readonly string[]) => Promise<readonly R[]>,
  ): Promise<R[]> {
    return applyApart(ids, apply, (id, error) => this.add(step, id, error));
  }

  /**
   * Runs a statement over many rows together. Only if one of them makes it fail, it tries the rows apart.
   *
   * @param statement.together runs it over all rows.
   * @param statement.ids returns the ids of these rows. It is called only after a failure.
   * @param statement.apart runs it over the rows with given ids, with {@link waitingForLocks}.
   * @returns what the statement returned for the rows that were not set aside.
   * @throws any error that no row caused.
   */
  async togetherOrApart<R>(step: SweepStep, statement: BatchStatement<R>): Promise<readonly R[]> {
    try {
      return await statement.together();
    } catch (error) {
      if (!isRowFault(error)) throw error;
      return this.apart(step, await statement.ids(), statement.apart);
    }
  }
}
