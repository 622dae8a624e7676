import { isAway } from './unavailable.ts';

/**
 * SQLSTATE classes of errors that one row can cause: cardinality, data, integrity, triggers and functions, limits,
 * corrupted data. Other classes are about the server, the schema or the permissions; no row causes these.
 */
const rowClasses = /^(21|22|23|27|38|39|44|54|P0|XX)[0-9A-Z]{3}$/;

/** Whether PostgreSQL looked at the rows of a statement and could not process one of them. */
export function isRowFault(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && rowClasses.test(code);
}

/**
 * Applies a statement to all rows. If a row makes it fail, the rows are split in halves until that row is alone, and the
 * others are processed. One bad row among n costs about 2·log2(n) more statements.
 *
 * @param setAside called with a row that fails alone.
 * @param isFault whether a row caused the error; never called for a dependency that is away.
 * @returns what the statement returned for the other rows.
 * @throws any other error, for example while the database is away.
 */
export async function applyApart<T, R>(
  rows: readonly T[],
  apply: (rows: readonly T[]) => Promise<readonly R[]>,
  setAside: (row: T, error: unknown) => Promise<void>,
  isFault: (error: unknown) => boolean = isRowFault,
): Promise<R[]> {
  if (rows.length === 0) return [];
  try {
    return [...(await apply(rows))];
  } catch (error) {
    if (isAway(error) || !isFault(error)) throw error;
    if (rows.length === 1) {
      await setAside(rows[0]!, error);
      return [];
    }
    const middle = rows.length >> 1;
    const results: R[] = [];
    for (const half of [rows.slice(0, middle), rows.slice(middle)]) {
      results.push(...(await applyApart(half, apply, setAside, isFault)));
    }
    return results;
  }
}
