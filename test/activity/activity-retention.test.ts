import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import './support.ts';

let database: TestDatabase;
let logger: ActivityLogger;
let sessionId: string;
const day = 86_400_000;
const now = Date.UTC(2026, 5, 1);
const retentionMillis = 90 * day;

beforeAll(async () => {
  database = await createDatabase();
});

afterAll(() => database.drop());

beforeEach(async () => {
  await database.pool.query('TRUNCATE activity_log, activity_unsealed, activity_seals, activity_chains');
  logger = createLogger({ pool: database.pool, clock: () => now, retentionMillis });
  sessionId = randomUUID();
});

async function write(session: string, ...daysAgo: number[]): Promise<void> {
  for (const days of daysAgo) {
    logger.queueActivity({ sessionId: session, userId: null, type: `${days}`, at: now - days * day });
  }
  await logger.flush();
}

async function kept(session = sessionId): Promise<string[]> {
  return (await logger.getSessionActivity(session, { limit: 1000 })).items.map((item) => item.activityType).reverse();
}

/** Resolves when a statement of this database waits for another transaction. */
async function waitingForALock(): Promise<void> {
  const waiting = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  while ((await database.pool.query(waiting)).rowCount === 0);
}

describe('retention', () => {
  test('removes the entries that are older than the retention, and the rest of the chain is valid', async () => {
    await write(sessionId, 100, 95, 91, 90, 89, 1);
    await logger.sealChains();
    const before = await logger.verifyChain(sessionId);
    expect(await logger.removeExpired()).toEqual({ removed: 3, complete: true });
    expect(await kept()).toEqual(['90', '89', '1']);
    const after = await logger.verifyChain(sessionId);
    expect(after).toMatchObject({ valid: true, links: 3, anchorSequence: 3, head: before.head });
    expect(await logger.removeExpired()).toEqual({ removed: 0, complete: true });
  });

  test('lets a chain continue after its anchor, and after all its entries were removed', async () => {
    await write(sessionId, 100, 95);
    await logger.sealChains();
    await logger.removeExpired();
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 0, anchorSequence: 2 });
    await write(sessionId, 92, 2);
    await logger.sealChains();
    expect(await logger.removeExpired()).toEqual({ removed: 1, complete: true });
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 1, anchorSequence: 3 });
  });

  test('does not hide tampering after the anchor or with the anchor', async () => {
    await write(sessionId, 100, 5, 4);
    await logger.sealChains();
    await logger.removeExpired();
    await database.pool.query(`UPDATE activity_chains SET anchor_hash = sha256('forged')`);
    expect((await logger.verifyChain(sessionId)).broken).toMatchObject({ fault: 'link_moved', sequence: 2 });
    await database.pool.query(
      'UPDATE activity_chains c SET anchor_hash = s.previous_hash FROM activity_seals s WHERE s.sequence = 2',
    );
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true });
    await database.pool.query(`DELETE FROM activity_log WHERE activity_type = '4'`);
    expect((await logger.verifyChain(sessionId)).broken).toMatchObject({ fault: 'entry_missing', sequence: 3 });
  });

  test('keeps an old entry that was written late until the entries before it in the chain are old enough', async () => {
    await write(sessionId, 89, 95);
    await logger.sealChains();
    expect(await logger.removeExpired()).toEqual({ removed: 0, complete: true });
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 2 });
    const later = createLogger({ pool: database.pool, clock: () => now + 2 * day, retentionMillis });
    expect(await later.removeExpired()).toEqual({ removed: 2, complete: true });
  });

  test('works through many sessions and several batches of a session', async () => {
    const sessions = Array.from({ length: 5 }, () => randomUUID());
    await write(sessionId, ...Array.from({ length: 5200 }, () => 100), 3);
    for (const session of sessions) await write(session, 120, 1);
    await logger.sealChains();
    expect(await logger.removeExpired()).toEqual({ removed: 5205, complete: true });
    for (const session of [sessionId, ...sessions]) {
      expect(await logger.verifyChain(session)).toMatchObject({ valid: true, links: 1 });
    }
  });

  test('removes old entries outside the chains, but none that waits for its seal', async () => {
    await database.pool.query(
      `INSERT INTO activity_log (session_id, activity_type, created_at)
       VALUES ($1, 'outside', $2::timestamptz - interval '100 days'), ($1, 'young', $2::timestamptz - interval '1 day')`,
      [sessionId, new Date(now)],
    );
    await write(sessionId, 100);
    expect(await logger.removeExpired()).toEqual({ removed: 1, complete: true });
    expect(await kept()).toEqual(['100', 'young']);
  });

  test('keeps links that a sealer adds while retention waits for its lock', async () => {
    await write(sessionId, 100);
    await logger.sealChains();
    await write(sessionId, 99);
    const sealer = await database.pool.connect();
    await sealer.query('BEGIN');
    // The sealer works in a transaction that stays open.
    const query = (...given: Parameters<typeof sealer.query>) =>
      ['BEGIN', 'COMMIT'].includes(String(given[0])) ? Promise.resolve() : sealer.query(...given);
    const connect = async () => ({ query, release: () => {} });
    await new ActivityLogger({ pool: { query, connect } as unknown as Pool }).sealChains();
    const removing = logger.removeExpired();
    await waitingForALock();
    await sealer.query('COMMIT');
    sealer.release();
    expect(await removing).toEqual({ removed: 2, complete: true });
    expect(await kept()).toEqual([]);
  });

  test('[SE15] forgets who a guest was after the retention, once the session is purged', async () => {
    const identity = `INSERT INTO guest_identities VALUES ($1, $2, $3, to_timestamp($4::float8 / 1000))`;
    const [old, recent] = [randomUUID(), randomUUID()];
    await database.pool.query(identity, [sessionId, old, randomUUID(), now - 91 * day]);
    await database.pool.query(identity, [sessionId, recent, randomUUID(), now - 89 * day]);
    await logger.removeExpired();
    const { rows } = await database.pool.query('SELECT guest_id FROM guest_identities WHERE session_id = $1', [
      sessionId,
    ]);
    expect(rows).toEqual([{ guest_id: recent }]);
  });

  test('ends when its time is over', async () => {
    await write(sessionId, 100);
    await logger.sealChains();
    expect(await logger.removeExpired(0)).toEqual({ removed: 0, complete: false });
    expect(await kept()).toEqual(['100']);
  });

  test('run twice at the same time beside a sealer removes each entry once and leaves valid chains', async () => {
    const sessions = Array.from({ length: 20 }, () => randomUUID());
    for (const session of sessions) await write(session, 100, 99, 1);
    await logger.sealChains();
    for (const session of sessions) await write(session, 0);
    const [one, other] = await Promise.all([logger.removeExpired(), logger.removeExpired(), logger.sealChains()]);
    expect(one.removed + other.removed).toBe(40);
    for (const session of sessions) {
      expect(await logger.verifyChain(session)).toMatchObject({ valid: true, links: 2, anchorSequence: 2 });
    }
  });

  test('keeps entries for ninety days by default', async () => {
    const usual = createLogger({ pool: database.pool, clock: () => now });
    await write(sessionId, 91, 89);
    await usual.sealChains();
    await usual.removeExpired();
    expect(await kept()).toEqual(['89']);
  });
});
