import { randomUUID } from 'node:crypto';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import './support.ts';
import { rewritten } from './tampered-trail.ts';

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
const broken = async () => (await logger.verifyChain(sessionId)).broken;

describe('the verification names the first broken link after tampering:', () => {
  test.each([
    ['the type', `activity_type = 'harmless'`],
    ['the details', `details = '{"n": 4}'`],
    ['a digit beyond the precision of JavaScript', `details = jsonb_set(details, '{big}', '9007199254740993')`],
    ['the user', 'user_id = gen_random_uuid()'],
    ['the user, to null', 'user_id = NULL'],
    ['the name', `username = 'Bob'`],
    ['the address', `ip_address = '10.0.0.2'`],
    ['the user agent', 'user_agent = NULL'],
    ['a number, to another form of the same', `details = jsonb_set(details, '{n}', '5.0')`],
    ['the name, to another form of Unicode', 'username = normalize(username, NFD)'],
    ['the mask of the address', `ip_address = '10.0.0.1/24'`],
    ['the time, by a millisecond', `created_at = created_at + interval '1 millisecond'`],
  ])('an entry with a change of %s', async (_, change) => {
    await tamper(`UPDATE activity_log SET ${change} WHERE id = ANY($1)`, [ids[5], ids[8]]);
    expect(await broken()).toEqual({ fault: 'entry_altered', sequence: 6, activityId: ids[5] });
  });

  test('an entry that was put into another session, also with its link', async () => {
    await tamper('UPDATE activity_log SET session_id = gen_random_uuid() WHERE id = $1', ids[3]);
    expect(await broken()).toEqual({ fault: 'entry_missing', sequence: 4, activityId: ids[3] });
    const other = randomUUID();
    await logger.logActivity(other, null, 'x');
    await logger.sealChains();
    await tamper('UPDATE activity_seals SET session_id = $2, sequence = 2 WHERE activity_id = $1', ids[3], other);
    await tamper('UPDATE activity_log SET session_id = $2 WHERE id = $1', ids[3], other);
    expect(await broken()).toEqual({ fault: 'link_missing', sequence: 4, activityId: null });
    expect((await logger.verifyChain(other)).broken).toMatchObject({ fault: 'link_moved', sequence: 2 });
  });

  test.each([
    [0, { fault: 'entry_altered', sequence: 1 }],
    [5, { fault: 'entry_altered', sequence: 6 }],
    [9, { fault: 'link_moved', sequence: 10 }],
  ])('entry %i, changed with its hash computed again', async (index, expected) => {
    const items = (await logger.getRecentActivity(sessionId)).reverse();
    const forged = rewritten(items, index, { activityType: 'harmless' })[index]!;
    await tamper('UPDATE activity_log SET activity_type = $2 WHERE id = $1', ids[index], 'harmless');
    await tamper(
      `UPDATE activity_seals SET hash = decode($2, 'hex') WHERE activity_id = $1`,
      ...[ids[index], (forged.link as { hash: string }).hash],
    );
    expect(await broken()).toMatchObject(expected);
  });

  test.each([
    ['hash', `hash = sha256('x')`],
    ['previous hash', `previous_hash = sha256('x')`],
    ['salt', `salt = decode(repeat('00', 16), 'hex')`],
    ['version', 'version = 1'],
  ])('a link with another %s', async (_, change) => {
    await tamper(`UPDATE activity_seals SET ${change} WHERE activity_id = $1`, ids[5]);
    expect(await broken()).toMatchObject({ sequence: 6, activityId: ids[5] });
  });

  test.each([0, 9])('entry %i, deleted alone or with its link', async (index) => {
    await tamper('DELETE FROM activity_log WHERE id = $1', ids[index]);
    expect(await broken()).toEqual({ fault: 'entry_missing', sequence: index + 1, activityId: ids[index] });
    await tamper('DELETE FROM activity_seals WHERE activity_id = $1', ids[index]);
    expect(await broken()).toEqual({ fault: 'link_missing', sequence: index + 1, activityId: null });
  });

  test('an anchor that was changed, also before the first link', async () => {
    await tamper(`UPDATE activity_chains SET anchor_hash = sha256('x') WHERE session_id = $1`, sessionId);
    await tamper(
      `UPDATE activity_seals SET previous_hash = sha256('x') WHERE session_id = $1 AND sequence = 1`,
      sessionId,
    );
    expect(await broken()).toMatchObject({ fault: 'link_moved', sequence: 1 });
  });

  test('a deleted entry', async () => {
    await tamper('DELETE FROM activity_log WHERE id = $1', ids[3]);
    expect(await broken()).toEqual({ fault: 'entry_missing', sequence: 4, activityId: ids[3] });
  });

  test('an entry that was deleted together with its link', async () => {
    await tamper('DELETE FROM activity_log WHERE id = $1', ids[3]);
    await tamper('DELETE FROM activity_seals WHERE activity_id = $1', ids[3]);
    expect(await broken()).toEqual({ fault: 'link_missing', sequence: 4, activityId: null });
  });

  test('the newest entries, deleted together with their links', async () => {
    await tamper('DELETE FROM activity_log WHERE id = ANY($1)', ids.slice(8));
    await tamper('DELETE FROM activity_seals WHERE activity_id = ANY($1)', ids.slice(8));
    expect(await broken()).toEqual({ fault: 'link_missing', sequence: 9, activityId: null });
  });

  test('two entries with exchanged positions', async () => {
    await tamper('UPDATE activity_seals SET sequence = -sequence + 100 WHERE activity_id = ANY($1)', [ids[2], ids[6]]);
    await tamper(
      'UPDATE activity_seals SET sequence = 110 - sequence - 0 WHERE session_id = $1 AND sequence > 90',
      sessionId,
    );
    const { rows } = await tamper(
      'SELECT sequence::int FROM activity_seals WHERE session_id = $1 ORDER BY 1',
      sessionId,
    );
    expect(rows.map((row) => row.sequence)).not.toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await broken()).toMatchObject({ sequence: 3 });
  });

  test('two links with exchanged entries', async () => {
    await tamper(
      `UPDATE activity_log a SET activity_type = b.activity_type, details = b.details, user_id = b.user_id
       FROM activity_log b WHERE a.id = ANY($1) AND b.id = ANY($1) AND a.id <> b.id`,
      [ids[2], ids[6]],
    );
    expect(await broken()).toEqual({ fault: 'entry_altered', sequence: 3, activityId: ids[2] });
  });

  test('an entry that was not written by the product', async () => {
    const { rows } = await tamper(
      `INSERT INTO activity_log (session_id, activity_type, created_at)
       SELECT session_id, 'forged', created_at FROM activity_log WHERE id = $1 RETURNING id`,
      ids[4],
    );
    expect(await broken()).toEqual({ fault: 'entry_added', sequence: null, activityId: rows[0].id });
    await logger.sealChains();
    expect(await broken()).toMatchObject({ fault: 'entry_added' });
  });

  test('an appended link whose hash does not follow', async () => {
    const id = randomUUID();
    await tamper(`INSERT INTO activity_log (id, session_id, activity_type) VALUES ($1, $2, 'forged')`, id, sessionId);
    await tamper(
      `INSERT INTO activity_seals (session_id, sequence, activity_id, previous_hash, hash)
       SELECT session_id, 11, $2, hash, sha256('forged') FROM activity_chains WHERE session_id = $1`,
      ...[sessionId, id],
    );
    expect(await broken()).toMatchObject({ fault: 'entry_altered', sequence: 11, activityId: id });
  });

  test('a chain whose head was deleted', async () => {
    await tamper('DELETE FROM activity_chains WHERE session_id = $1', sessionId);
    expect(await broken()).toMatchObject({ fault: 'link_moved', sequence: 1 });
  });

  test('an entry that was deleted before its seal', async () => {
    const { activity } = await logger.logActivity(sessionId, null, 'hot');
    await logger.logActivity(sessionId, null, 'next');
    await tamper('DELETE FROM activity_log WHERE id = $1', activity.id);
    await logger.sealChains();
    expect(await broken()).toEqual({ fault: 'entry_missing', sequence: 11, activityId: activity.id });
  });

  test('tampering in one session does not affect another one', async () => {
    const other = randomUUID();
    await logger.logActivity(other, null, 'x');
    await logger.sealChains();
    await tamper(`UPDATE activity_log SET activity_type = 'y' WHERE session_id = $1`, sessionId);
    expect(await logger.verifyChain(other)).toMatchObject({ valid: true, links: 1 });
  });
});
