import type { Queryable } from './database.ts';
import { SetAside, type SweepStep } from './set-aside.ts';

/** Rows of a table whose retention has ended. */
export interface OldRows {
  step: SweepStep;
  table: string;
  /** An SQL expression: the id under which a row of the table `t` is set aside. */
  key: string;
  /** An SQL condition: which rows of the table `t` are due. It leaves out those that are set aside. */
  due: string;
  /** The parameters of the condition. */
  values: readonly unknown[];
  /** Makes a statement that does more of the one that deletes. */
  within?: (deletion: string) => string;
}

/** Runs a statement and returns how many rows it changed. */
export type RunStatement = (text: string, values: unknown[]) => Promise<number>;

/**
 * Deletes old rows with one statement. If a row makes it fail, that row is set aside, and the others are deleted.
 *
 * @param clock Unix milliseconds.
 * @param run runs the statements that delete.
 * @returns how many were deleted.
 */
export async function removeOld(
  database: Queryable,
  clock: () => number,
  { step, table, key, due, values, within = (deletion) => deletion }: OldRows,
  run: RunStatement = async (text, given) => (await database.query(text, given)).rowCount ?? 0,
): Promise<number> {
  const deletion = `DELETE FROM ${table} t WHERE ${due}`;
  const named = within(`${deletion} AND ${key} = ANY ($${values.length + 1}::text[])`);
  const counts = await new SetAside(database, clock).togetherOrApart(step, {
    together: async () => [await run(within(deletion), [...values])],
    async ids() {
      const { rows } = await database.query<{ id: string }>(
        `SELECT DISTINCT ${key} AS id FROM ${table} t WHERE ${due}`,
        [...values],
      );
      return rows.map(({ id }) => id);
    },
    apart: async (ids) => [await run(named, [...values, ids])],
  });
  return counts.reduce((sum, count) => sum + count, 0);
}
