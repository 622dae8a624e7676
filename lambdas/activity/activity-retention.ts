import { notSetAside, SetAside, waitingForLocks } from '../platform/set-aside.ts';
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
 */
const shorten = `
  WITH chain AS (
    SELECT session_id, anchor_sequence FROM activity_chains
    WHERE oldest_at < $1 AND session_id = $2 FOR UPDATE
  ), links AS (
    SELECT s.session_id, s.sequence, s.hash, s.activity_id, a.created_at
    FROM chain c
    JOIN LATERAL (
      SELECT * FROM activity_seals s WHERE s.session_id = c.session_id AND s.sequence > c.anchor_sequence
      ORDER BY s.sequence LIMIT ${batchItems}
    ) s ON true
    LEFT JOIN activity_log a ON a.id = s.activity_id AND a.session_id = s.session_id
  ), kept AS (
    SELECT sequence, created_at FROM links WHERE created_at >= $1 ORDER BY sequence LIMIT 1
  ), gone AS (
    SELECT * FROM links WHERE sequence < coalesce((SELECT sequence FROM kept), 9223372036854775807)
  ), entries AS (
    DELETE FROM activity_log a USING gone g WHERE a.id = g.activity_id AND a.session_id = g.session_id
  ), seals AS (
    DELETE FROM activity_seals s USING gone g WHERE s.session_id = g.session_id AND s.sequence = g.sequence
  ), anchor AS (
    SELECT sequence, hash FROM gone ORDER BY sequence DESC LIMIT 1
  )
  UPDATE activity_chains c
  SET anchor_sequence = coalesce((SELECT sequence FROM anchor), c.anchor_sequence),
    anchor_hash = coalesce((SELECT hash FROM anchor), c.anchor_hash),
    oldest_at = CASE WHEN EXISTS (SELECT FROM kept) THEN (SELECT created_at FROM kept)
      WHEN (SELECT max(sequence) FROM links) < c.sequence THEN c.oldest_at END
  FROM chain WHERE c.session_id = chain.session_id
  RETURNING (SELECT count(*) FROM gone)::integer AS removed`;

/** The chain with the oldest entries before $1, if it is not set aside at $2. */
const oldestChain = `
  SELECT session_id AS id FROM activity_chains
  WHERE oldest_at < $1 AND ${notSetAside('retention', 'session_id', at('$2'))} ORDER BY oldest_at LIMIT 1`;

/** Entries before $1 that are in no chain, have no ticket for one and are not set aside at $2. */
const unchained = `
  SELECT a.id FROM activity_log a
  WHERE a.created_at AT TIME ZONE 'UTC' < $1::timestamptz AT TIME ZONE 'UTC'
    AND NOT EXISTS (SELECT FROM activity_seals s WHERE s.activity_id = a.id)
    AND NOT EXISTS (SELECT FROM activity_unsealed t WHERE t.session_id = a.session_id AND t.activity_id = a.id)
    AND ${notSetAside('retention-entry', 'a.id', at('$2'))}
  ORDER BY a.created_at AT TIME ZONE 'UTC' LIMIT ${batchItems}`;

/** Deletes those that $3 names, or one batch if $3 is null. */
export const removeUnchained = `
  DELETE FROM activity_log WHERE id IN (
    SELECT id FROM (${unchained} FOR UPDATE SKIP LOCKED) due WHERE $3::uuid[] IS NULL OR id = ANY ($3::uuid[]))
  RETURNING id`;

/** The guests of purged sessions who signed in before $1: nothing is left that names them. */
const removeIdentities = `
  DELETE FROM guest_identities g WHERE (g.session_id, g.guest_id) IN (
    SELECT i.session_id, i.guest_id FROM guest_identities i
    WHERE i.signed_in_at < $1 AND NOT EXISTS (SELECT FROM collaboration_sessions s WHERE s.id = i.session_id)
    ORDER BY i.signed_in_at LIMIT ${batchItems})`;

/** Removes audit entries after their retention, in batches. A chain or an entry that cannot be removed is set aside. */
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
    await this.#database.query(removeIdentities, [before]);
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
    const remove = async (sql: string, ids: readonly string[] | null) =>
      (await this.#database.query<{ id: string }>(sql, [...values, ids])).rows;
    let triedApart = 0;
    const { length } = await this.#aside.togetherOrApart('retention-entry', {
      together: () => remove(removeUnchained, null),
      ids: async () => {
        const due = await this.#database.query<{ id: string }>(unchained, values);
        triedApart = due.rows.length;
        return due.rows.map(({ id }) => id);
      },
      apart: (ids) => remove(waitingForLocks(removeUnchained), ids),
    });
    return { removed: length, more: Math.max(length, triedApart) === batchItems };
  }
}
