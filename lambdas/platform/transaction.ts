import type { PoolClient } from 'pg';
import { databaseFailure } from './database-failure.ts';
import { isAway } from './unavailable.ts';

/** The part of a pool that a transaction needs. */
export interface Connecting {
  connect(): Promise<PoolClient>;
}

const begin = { write: 'BEGIN', read: 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' };

/**
 * Runs the work in one transaction on one connection: commits everything, or nothing. The work must not retry a query.
 *
 * @throws Unavailable while PostgreSQL is away, and the errors of the work.
 */
export async function inTransaction<T>(
  database: Connecting,
  mode: keyof typeof begin,
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await database.connect();
  let broken: Error | undefined;
  try {
    await client.query(begin[mode]);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    const failure = databaseFailure(error);
    broken = isAway(failure, 'database') ? failure : await rollback(client);
    throw failure;
  } finally {
    // A connection that does not answer, or whose state is unknown, is closed and not reused. That also ends its
    // transaction.
    client.release(broken);
  }
}

/** Rolls back, and returns the error if that fails. */
function rollback(client: PoolClient): Promise<Error | undefined> {
  return client.query('ROLLBACK').then(
    () => undefined,
    (error: Error) => error,
  );
}
