import { createHash, randomUUID } from 'node:crypto';
import { verifyTrail } from '../../client/verify/index.ts';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { withoutConnection } from '../../lambdas/activity/linked-entry.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { createOutbox, SwitchedPool } from './support.ts';

let database: TestDatabase;
let logger: ActivityLogger;
let sessionId: string;
let ids: string[];

beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
});

afterAll(() => database.drop());

/** A sealed session of ten entries. */
beforeEach(async () => {
  sessionId = randomUUID();
  ids = [];
  for (let n = 0; n < 10; n++) {
    const context = { ipAddress: '10.0.0.1', userAgent: 'Firefox', username: 'Zoë' };
    ids.push((await logger.logActivity(sessionId, randomUUID(), `t${n}`, { n, big: 2 ** 53 }, context)).activity.id);
  }
  await logger.sealChains();
});

const tamper = (text: string, ...values: unknown[]) => database.pool.query(text, values);

const sha256 = (fields: unknown[]) => createHash('sha256').update(JSON.stringify(fields)).digest('hex');

describe('an unchanged chain', () => {
  test('is valid, link by link', async () => {
    expect(await logger.verifyChain(sessionId)).toMatchObject({
      ...{ valid: true, links: 10, unsealed: 0, anchorSequence: 0 },
      head: { sequence: 10, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(await logger.verifyChain(sessionId)).not.toHaveProperty('broken');
  });

  test('has the documented hashes, so that it can be verified without the product', async () => {
    const { rows } = await database.pool.query(
      `SELECT s.sequence, encode(s.hash, 'hex') AS hash, encode(s.salt, 'hex') AS salt, a.user_id, a.username, a.activity_type, a.details::text, a.id,
         a.ip_address::text, a.user_agent, a.created_at
       FROM activity_seals s JOIN activity_log a ON a.id = s.activity_id WHERE s.session_id = $1 ORDER BY s.sequence`,
      [sessionId],
    );
    let previous = '0'.repeat(64);
    for (const row of rows) {
      const connection = sha256(['rollcall-connection-1', row.salt, row.ip_address, row.user_agent]);
      previous = sha256([
        ...['rollcall-audit-2', sessionId, row.sequence, previous, row.id, row.user_id, row.username],
        ...[row.activity_type, row.details, connection, row.created_at.toISOString()],
      ]);
      expect(row.hash).toBe(previous);
    }
    expect(rows).toHaveLength(10);
  });

  test('is valid with the links of version 1 that it had before', async () => {
    const { rows } = await database.pool.query(
      `SELECT s.sequence, a.id, a.user_id, a.username, a.activity_type, a.details::text, a.ip_address::text, a.user_agent,
         a.created_at
       FROM activity_seals s JOIN activity_log a ON a.id = s.activity_id WHERE s.session_id = $1 ORDER BY s.sequence`,
      [sessionId],
    );
    let previous = '0'.repeat(64);
    for (const row of rows) {
      const hash = sha256([
        ...['rollcall-audit-1', sessionId, row.sequence, previous, row.id, row.user_id, row.username],
        ...[row.activity_type, row.details, row.ip_address, row.user_agent, row.created_at.toISOString()],
      ]);
      await database.pool.query(
        `UPDATE activity_seals SET version = 1, salt = NULL, previous_hash = decode($2, 'hex'), hash = decode($3, 'hex')
         WHERE activity_id = $1`,
        [row.id, previous, hash],
      );
      previous = hash;
    }
    await database.pool.query(`UPDATE activity_chains SET hash = decode($2, 'hex') WHERE session_id = $1`, [
      ...[sessionId, previous],
    ]);
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 10 });
    const items = await logger.getRecentActivity(sessionId);
    expect(await verifyTrail(items, { isComplete: true })).toMatchObject({ valid: true, unchecked: [] });
    const hidden = await verifyTrail(items.map(withoutConnection), { isComplete: true });
    expect(hidden).toMatchObject({ valid: true, unchecked: { length: 10 } });
    await logger.logActivity(sessionId, null, 'next');
    await logger.sealChains();
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 11 });
  });

  test('grows at its end, and the result names the entries that wait for their seal', async () => {
    await logger.logActivity(sessionId, null, 'late', {}, { at: 0 });
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 10, unsealed: 1 });
    expect(await logger.sealChains()).toEqual({ sealed: 1, complete: true });
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 11, unsealed: 0 });
    expect(await logger.sealChains()).toEqual({ sealed: 0, complete: true });
  });

  test('of an unknown session is empty and valid, and an invalid session name is refused', async () => {
    expect(await logger.verifyChain(randomUUID())).toMatchObject({ valid: true, links: 0 });
    await expect(logger.verifyChain("x' OR 1=1")).rejects.toMatchObject({ code: 'INVALID_MESSAGE' });
  });
});

describe('sealing', () => {
  async function write(sessions: string[], each: number): Promise<void> {
    for (let n = 0; n < each; n++) {
      for (const session of sessions) logger.queueActivity({ sessionId: session, userId: null, type: `t${n}` });
    }
    await logger.flush();
  }

  test('works through many batches and sessions', async () => {
    const sessions = Array.from({ length: 7 }, () => randomUUID());
    await write(sessions, 400);
    expect(await logger.sealChains()).toEqual({ sealed: 2800, complete: true });
    for (const session of sessions) {
      expect(await logger.verifyChain(session)).toMatchObject({ valid: true, links: 400 });
    }
  });

  test('by several sealers at the same time, while entries are written, makes one chain', async () => {
    const session = randomUUID();
    const writing = Array.from({ length: 20 }, async () => {
      for (let n = 0; n < 10; n++) await logger.logActivity(session, null, 'x');
    });
    const sealing = Array.from({ length: 12 }, () => logger.sealChains());
    await Promise.all([...writing, ...sealing]);
    await logger.sealChains();
    expect(await logger.verifyChain(session)).toMatchObject({ valid: true, links: 200, unsealed: 0 });
  });

  test('ends when its time is over, and continues the next time', async () => {
    const session = randomUUID();
    await write([session], 1500);
    expect(await logger.sealChains(0)).toEqual({ sealed: 1000, complete: false });
    expect(await logger.sealChains(0)).toEqual({ sealed: 500, complete: true });
  });

  test('that fails in the middle changes nothing', async () => {
    const session = randomUUID();
    await write([session], 3);
    await tamper('ALTER TABLE activity_chains RENAME TO hidden');
    await expect(logger.sealChains()).rejects.toThrow('activity_chains');
    await tamper('ALTER TABLE hidden RENAME TO activity_chains');
    expect(await logger.verifyChain(session)).toMatchObject({ valid: true, links: 0, unsealed: 3 });
    await logger.sealChains();
    expect(await logger.verifyChain(session)).toMatchObject({ valid: true, links: 3 });
  });

  test('of a duplicated ticket adds no second link', async () => {
    await tamper(
      'INSERT INTO activity_unsealed (session_id, activity_id) VALUES ($1, $2), ($1, $2)',
      sessionId,
      ids[0],
    );
    expect(await logger.sealChains()).toEqual({ sealed: 0, complete: true });
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 10, unsealed: 0 });
  });

  test('[AC3] adds entries from the outbox at the end of the chain', async () => {
    const pool = new SwitchedPool(database.pool);
    const late = new ActivityLogger({ pool, outbox: (await createOutbox()).outbox });
    pool.away = true;
    await late.logActivity(sessionId, null, 'kept', {}, { at: 1000 });
    pool.away = false;
    await logger.logActivity(sessionId, null, 'direct');
    await logger.sealChains();
    await late.replayOutbox();
    await late.sealChains();
    expect(await logger.verifyChain(sessionId)).toMatchObject({ valid: true, links: 12 });
    const { rows } = await tamper(
      `SELECT activity_type FROM activity_seals s JOIN activity_log a ON a.id = s.activity_id
       WHERE s.session_id = $1 ORDER BY sequence DESC LIMIT 2`,
      sessionId,
    );
    expect(rows.map((row) => row.activity_type)).toEqual(['kept', 'direct']);
  });
});
