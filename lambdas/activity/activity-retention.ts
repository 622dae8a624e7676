import { type OldRows, removeOld } from '../platform/remove-old.ts';
import { notSetAside, SetAside } from '../platform/set-aside.ts';
import type { Database } from './activity-repository.ts';

export interface RetentionResult {
  /** Entries that were removed. */
  removed: number;
  /** False if the time was over before everything was removed. */
  complete: boolean;
}

const batchItems = 5000;
const at = (parameter: string) => `to_timestamp(${parameter}::float8 / 1000)`;

/**
 * Removes the oldest links of one chain, with their entries, and keeps the hash of the last removed link as the anchor, so
 * that the rest can still be verified. A chain is only shortened at its beginning. So an old entry that came late, from the
 * outbox, stays until the newer entries before it in the chain are old enough. The statement does not see links beyond
 * the batch size, or links that a sealer added while it waited for the lock; they are left to the next batch.
 *
 * The role of the service may not delete entries. The function in the database does so with the rights of the owner.
 */
const shorten = `SELECT removed FROM shorten_chain($1, $2, ${batchItems}) AS removed`;

/** The chain with the oldest entries before $1, if it is not set aside at $2. */
const oldestChain = `
  SELECT session_id AS id FROM activity_chains
  WHERE oldest_at < $1 AND ${notSetAside('retention', 'session_id', at('$2'))} ORDER BY oldest_at LIMIT 1`;

/** Entries before $1 that are in no chain, have no ticket for one and are not set aside at $2. */
export const unchained = `
  SELECT a.id FROM activity_log a
  WHERE a.created_at AT TIME ZONE 'UTC' < $1::timestamptz AT TIME ZONE 'UTC'
    AND NOT EXISTS (SELECT FROM activity_seals s WHERE s.activity_id = a.id)
    AND NOT EXISTS (SELECT FROM activity_unsealed t WHERE t.session_id = a.session_id AND t.activity_id = a.id)
    AND ${notSetAside('retention-entry', 'a.id', at('$2'))}
  ORDER BY a.created_at AT TIME ZONE 'UTC' LIMIT ${batchItems}`;

/** Deletes one batch. Locked entries are left to the next one. */
const removeUnchained = `
  SELECT id FROM remove_unchained($1, ARRAY(${unchained}), false) AS id`;

/** Deletes those that $2 names, and waits for locks. */
const removeNamed = 'SELECT id FROM remove_unchained($1, $2, true) AS id';

const guest = "t.session_id || ':' || t.guest_id";

/** The guests of purged sessions who signed in before $1, and are not set aside at $2: nothing is left that names them. */
const identities: Omit<OldRows, 'values'> = {
  ...{ step: 'forget-guest', table: 'guest_identities', key: guest },
  due: `(t.session_id, t.guest_id) IN (
    SELECT t.session_id, t.guest_id FROM guest_identities t
    WHERE t.signed_in_at < $1 AND NOT EXISTS (SELECT FROM collaboration_sessions s WHERE s.id = t.session_id)
      AND ${notSetAside('forget-guest', guest, at('$2'))}
    ORDER BY t.signed_in_at LIMIT ${batchItems})`,
};

/** Removes audit entries after their retention, in batches. A chain, an entry or a guest that cannot be removed is set aside. */
export class ActivityRetention {
  readonly #database: Pick<Database, 'query'>;
  readonly #clock: () => number;
  readonly #aside: SetAside;

  constructor(database: Pick<Database, 'query'>, clock: () => number) {
    this.#database = database;
    this.#clock = clock;
    this.#aside = new SetAside(database, clock);
  }

  /**
   * @param cutoff entries before this time are removed, Unix milliseconds.
   * @param millis no new batch begins after this time.
   */
  async run(cutoff: number, millis: number): Promise<RetentionResult> {
    const deadline = performance.now() + millis;
    const before = new Date(cutoff);
    let removed = 0;
    for (const batch of [() => this.#shortenOne(before), () => this.#removeUnchained(before)]) {
      for (let more = true; more; ) {
        if (performance.now() >= deadline) return { removed, complete: false };
        const result = await batch();
        removed += result.removed;
        more = result.more;
      }
    }
    await removeOld(this.#database, this.#clock, { ...identities, values: [before, this.#clock()] });
    return { removed, complete: true };
  }

  async #shortenOne(before: Date): Promise<{ removed: number; more: boolean }> {
    const oldest = await this.#database.query<{ id: string }>(oldestChain, [before, this.#clock()]);
    const shortened = await this.#aside.apart(
      'retention',
      oldest.rows.map(({ id }) => id),
      async ([id]) => (await this.#database.query<{ removed: number }>(shorten, [before, id])).rows,
    );
    return { removed: shortened[0]?.removed ?? 0, more: oldest.rows.length > 0 };
  }

  async #removeUnchained(before: Date): Promise<{ removed: number; more: boolean }> {
    const values = [before, this.#clock()];
    const remove = async (sql: string, given: unknown[]) =>
      (await this.#database.query<{ id: string }>(sql, given)).rows;
    let triedApart = 0;
    const { length } = await this.#aside.togetherOrApart('retention-entry', {
      together: () => remove(removeUnchained, values),
      ids: async () => {
        const due = await this.#database.query<{ id: string }>(unchained, values);
        triedApart = due.rows.length;
        return due.rows.map(({ id }) => id);
      },
      apart: (ids) => remove(removeNamed, [before, ids]),
    });
    return { removed: length, more: Math.max(length, triedApart) === batchItems };
  }
}
