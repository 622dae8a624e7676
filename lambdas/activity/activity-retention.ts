import type { Database } from './activity-repository.ts';

export interface RetentionResult {
  /** Entries that were removed. */
  removed: number;
  /** False where the time was over first. */
  complete: boolean;
}

const batchItems = 5000;

/**
 * Takes the oldest links of one chain off, with their entries, and keeps the last of them as the anchor, so that the rest
 * can still be verified. A chain is only shortened from its beginning: an entry that came late, from the outbox, stays
 * until the younger ones before it have their age. Links that it did not see, because there are many or because a sealer
 * added them while it waited for the chain, are left to the next batch.
 */
const shorten = `
  WITH chain AS (
    SELECT session_id, anchor_sequence FROM activity_chains
    WHERE oldest_at < $1 ORDER BY oldest_at LIMIT 1 FOR UPDATE
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

/** Entries that are in no chain and wait for none. */
export const removeUnchained = `
  DELETE FROM activity_log WHERE id IN (
    SELECT a.id FROM activity_log a
    WHERE a.created_at AT TIME ZONE 'UTC' < $1::timestamptz AT TIME ZONE 'UTC'
      AND NOT EXISTS (SELECT FROM activity_seals s WHERE s.activity_id = a.id)
      AND NOT EXISTS (SELECT FROM activity_unsealed t WHERE t.session_id = a.session_id AND t.activity_id = a.id)
    ORDER BY a.created_at AT TIME ZONE 'UTC' LIMIT ${batchItems} FOR UPDATE SKIP LOCKED)`;

/** Removes audit entries that are older than they are to be kept, in batches. */
export class ActivityRetention {
  readonly #database: Pick<Database, 'query'>;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /**
   * @param cutoff entries from before this moment go, Unix milliseconds.
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
    return { removed, complete: true };
  }

  async #shortenOne(before: Date): Promise<{ removed: number; more: boolean }> {
    const { rows } = await this.#database.query<{ removed: number }>(shorten, [before]);
    return { removed: rows[0]?.removed ?? 0, more: rows.length > 0 };
  }

  async #removeUnchained(before: Date): Promise<{ removed: number; more: boolean }> {
    const removed = (await this.#database.query(removeUnchained, [before])).rowCount ?? 0;
    return { removed, more: removed === batchItems };
  }
}
