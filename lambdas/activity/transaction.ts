import type { PoolClient } from 'pg';
import type { Database } from './activity-repository.ts';

/** Runs the work in one transaction on one connection: all of it counts, or nothing. */
export async function inTransaction<T>(
  database: Pick<Database, 'connect'>,
  mode: 'read' | 'write',
  work: (client: PoolClient) => Promise<T>,
): Promise<T> {
  const client = await database.connect();
  let broken: Error | undefined;
  try {
    await client.query(mode === 'read' ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((failure: Error) => {
      broken = failure;
    });
    throw error;
  } finally {
    // A connection whose state is unknown is closed, not handed to the next one.
    client.release(broken);
  }
}
