import type { PoolClient } from 'pg';
import type { Queryable } from '../platform/database.ts';
import { removeOld } from '../platform/remove-old.ts';
import { isRowFault } from '../platform/row-fault.ts';
import { namedRows, oldCounts, removeCounts } from './retention-sql.ts';

/** From when on rows are kept, Unix milliseconds. */
export interface KeptFrom {
  /** The first day whose sessions and people are kept. */
  named: number;
  counts: number;
}

/** Runs work while no rollup counts. @returns undefined if one does. */
export type WhileNoneCounts = <T>(work: (client: PoolClient) => Promise<T>) => Promise<T | undefined>;

/**
 * Removes what is older than its retention: first what names sessions and people, then the counts. A row that cannot be removed is set
 * aside, and the others are removed.
 *
 * @param millis no new batch begins after this time.
 */
export async function removeOldAnalytics(
  database: Queryable,
  clock: () => number,
  from: KeptFrom,
  whileNoneCounts: WhileNoneCounts,
  millis: number,
): Promise<void> {
  const deadline = performance.now() + millis;
  for (const rows of namedRows) {
    for (let removed = 1; removed > 0; ) {
      if (performance.now() >= deadline) return;
      removed = await removeOld(database, clock, { ...rows, values: [from.named, clock()] });
    }
  }
  const values = [from.counts, clock()];
  try {
    await whileNoneCounts((client) => client.query(removeCounts, values));
  } catch (error) {
    if (!isRowFault(error)) throw error;
    const run = async (text: string, given: unknown[]) =>
      (await whileNoneCounts((client) => client.query(text, given)))?.rowCount ?? 0;
    for (const rows of oldCounts) await removeOld(database, clock, { ...rows, values }, run);
  }
}
