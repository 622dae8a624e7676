import type { PoolClient } from 'pg';
import { SessionManager } from '../../lambdas/sessions/session-manager.ts';
import { inviteKey, type SessionWorld } from './support.ts';

/** What runs in one transaction, on one connection. */
export type Work<T> = (manager: SessionManager, client: PoolClient) => Promise<T>;

/** Work whose transaction is open. */
export interface Begun<T> {
  client: PoolClient;
  done: Promise<T>;
  end(how: 'COMMIT' | 'ROLLBACK'): Promise<void>;
}

/** Begins the work in a transaction on its own connection. */
export async function begin<T>({ database, timings, now }: SessionWorld, work: Work<T>): Promise<Begun<T>> {
  const client = await database.pool.connect();
  await client.query('BEGIN');
  const manager = new SessionManager({ database: client, timings, inviteKeys: () => [inviteKey], clock: now });
  const done = work(manager, client);
  const end = async (how: 'COMMIT' | 'ROLLBACK') => {
    try {
      await client.query(how);
    } finally {
      client.release();
    }
  };
  return { client, done, end };
}

/** Resolves when the work waits for a lock, or when it has ended. */
export async function untilItWaits({ database }: SessionWorld, { client, done }: Begun<unknown>): Promise<void> {
  const { processID } = client as PoolClient & { processID: number };
  const waiting = `SELECT FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'`;
  let isOver = false;
  const over = () => (isOver = true);
  void done.then(over, over);
  while (!isOver && (await database.pool.query(waiting, [processID])).rowCount === 0);
}

/** Ends the transaction of the work with its result. */
export async function complete<T>({ done, end }: Begun<T>): Promise<T> {
  try {
    const result = await done;
    await end('COMMIT');
    return result;
  } catch (error) {
    await end('ROLLBACK');
    throw error;
  }
}

/** Begins both works, the later one while the earlier one is not committed. @returns the result of the later one. */
export async function overlap<T>(
  world: SessionWorld,
  earlier: Work<unknown>,
  later: Work<T>,
  end: 'COMMIT' | 'ROLLBACK' = 'COMMIT',
): Promise<T> {
  const first = await begin(world, earlier);
  await first.done;
  const second = await begin(world, later);
  await untilItWaits(world, second);
  await first.end(end);
  return complete(second);
}
