import { randomUUID } from 'node:crypto';
import type { Queryable } from '../../lambdas/platform/database.ts';
import { sessionSql } from '../../lambdas/sessions/session-sql.ts';
import { sweepSql } from '../../lambdas/sessions/sweep-sql.ts';
import { touchSessions } from '../../lambdas/sessions/touch-sessions.ts';
import { expectWithin } from '../support/time-limits.ts';
import { codeOf, hour, type SessionWorld, sessionWorld, user } from './support.ts';

/**
 * A million participants: 20,000 sessions with 50 each, of whom 20 hold a slot. One session in a hundred is inactive for two
 * hours. Triggers and indexes are created after the rows, as in a restored backup; otherwise the insertion would take a minute.
 */
const fill = (now: string) => `
  SET session_replication_role = replica;
  CREATE TEMPORARY TABLE definitions AS
    SELECT indexrelid AS id, indexrelid::regclass AS indexname, pg_get_indexdef(indexrelid) AS indexdef
    FROM pg_index WHERE indrelid = 'session_participants'::regclass AND NOT indisprimary;
  DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT indexname FROM definitions LOOP EXECUTE 'DROP INDEX ' || name; END LOOP;
  END $$;
  INSERT INTO users (id, username) SELECT gen_random_uuid(), 'u' FROM generate_series(1, 1000);
  INSERT INTO collaboration_sessions
    (operation_id, session_id, owner_id, start_time, last_active_at, max_participants)
  SELECT 'op', 'SESSION-20260101-' || lpad(n::text, 12, 'A'), u.id, '${now}'::timestamptz - interval '3 hours',
    '${now}'::timestamptz - CASE WHEN n % 100 = 0 THEN interval '2 hours' ELSE interval '5 minutes' END, 1000
  FROM (SELECT row_number() OVER () AS slot, id FROM users) u
  JOIN generate_series(1, 20000) n ON n % 1000 = u.slot - 1;
  INSERT INTO session_participants
    (session_id, anonymous_id, joined_at, last_seen_at, is_active, left_at, left_cause)
  SELECT s.id, gen_random_uuid(), s.start_time, s.last_active_at, n <= 20,
    CASE WHEN n > 20 THEN s.last_active_at END, CASE WHEN n > 20 THEN 'left' END
  FROM collaboration_sessions s, generate_series(1, 50) n;
  DO $$ DECLARE definition text; BEGIN
    FOR definition IN SELECT indexdef FROM definitions ORDER BY id LOOP EXECUTE definition; END LOOP;
  END $$;
  SET session_replication_role = DEFAULT;
  ANALYZE`;

let world: SessionWorld;
let session: { id: string; owner: string };

beforeAll(async () => {
  world = await sessionWorld();
  await world.database.pool.query(fill(new Date(world.now()).toISOString()));
  const { rows } = await world.database.pool.query(
    'SELECT id, owner_id AS owner FROM collaboration_sessions ORDER BY last_active_at DESC LIMIT 1',
  );
  session = rows[0];
});
afterAll(() => world.close());

/** The plan of a statement as text; its effects are rolled back. */
async function plan(sql: string, values: unknown[]): Promise<string> {
  const client = await world.database.pool.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query({ text: `EXPLAIN ${sql}`, values, rowMode: 'array' });
    return rows.map((row) => row[0]).join('\n');
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

const scansATable = /Seq Scan on (session_participants|collaboration_sessions)/;

describe('with a million participants', () => {
  test('counting and listing the slots of a session uses idx_participants_active', async () => {
    const count = await plan('SELECT count(*) FROM session_participants WHERE session_id = $1 AND left_at IS NULL', [
      session.id,
    ]);
    expect(count).toContain('idx_participants_active');
    expect(count).not.toMatch(scansATable);
    const list = await plan(sessionSql.activeParticipants, [session.id, 1000]);
    expect(list).toContain('idx_participants_active');
    expect(list).not.toMatch(scansATable);
  });

  test('the newest sign of life is one entry of idx_session_participants_last_seen', async () => {
    const newest = await plan(
      'SELECT max(last_seen_at) FROM session_participants WHERE session_id = $1 AND left_at IS NULL',
      [session.id],
    );
    expect(newest).toContain('idx_session_participants_last_seen');
    expect(newest).not.toMatch(scansATable);
  });

  test.each<[string, string, () => unknown[]]>([
    ['finding the access of a user', sessionSql.access, () => [session.id, null, session.owner]],
    ['finding by name', sessionSql.find, () => [null, 'SESSION-20260101-AAAAAAAAAAA1']],
    ['listing the sessions of a user', sessionSql.listOf, () => [session.owner, 50, null, null]],
    ['listing what a claim covers', sessionSql.listClaimed, () => [50, null, null, ['doc-1', 'a/*'], ['a/']]],
    ['listing what a claim for everything covers', sessionSql.listAll, () => [50, null, null]],
    ['leaving', sessionSql.leave, () => [session.id, session.owner, 'left', world.now(), null]],
    ['finding inactive sessions', sweepSql.inactive, () => [hour, 200, world.now()]],
    ['finding sessions to warn', sweepSql.silent, () => [hour, 200, world.now()]],
    ['claiming expiries', sweepSql.claimExpired, () => [200, world.now(), null]],
    ['purging', sweepSql.purge, () => [200, 24 * hour, world.now(), null]],
  ])('%s reads no whole table', async (_, sql, values) => {
    expect(await plan(sql, values())).not.toMatch(scansATable);
  });

  test('the monitoring query by updated_at uses idx_collaboration_sessions_updated_at', async () => {
    const recent = `SELECT count(*) FROM collaboration_sessions WHERE updated_at > now() + interval '1 year'`;
    expect(await plan(recent, [])).toContain('idx_collaboration_sessions_updated_at');
  });

  test('a join reads few pages and not the whole table', async () => {
    const { rows } = await world.database.pool.query({
      text: `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sessionSql.join}`,
      values: [session.id, null, randomUUID(), null, 'Ulf', null, null, null, true, null, hour, world.now(), null],
      rowMode: 'array',
    });
    const buffers = rows[0]?.[0][0].Plan;
    expect(buffers['Shared Hit Blocks'] + buffers['Shared Read Blocks']).toBeLessThan(1000);
  });

  test.each(['force_custom_plan', 'force_generic_plan'])(
    'one statement writes the signs of life of 4,000 users in 200 sessions in time for a sweep (%s)',
    async (mode) => {
      const { rows } = await world.database.pool.query<{ sessionId: string; personId: string }>(`
        SELECT p.session_id AS "sessionId", p.person_id AS "personId" FROM session_participants p
        WHERE p.left_at IS NULL AND p.session_id IN (SELECT id FROM collaboration_sessions ORDER BY id LIMIT 200)`);
      expect(rows.length).toBeGreaterThanOrEqual(4000);
      world.pass(1000);
      const at = world.now();
      const client = await world.database.pool.connect();
      try {
        await client.query(`SET plan_cache_mode = ${mode}`);
        const start = performance.now();
        const updates = rows.map((row) => ({ ...row, at }));
        await touchSessions(client as Queryable, updates);
        await expectWithin(performance.now() - start, 10_000);
      } finally {
        client.release(true);
      }
      const seen = 'SELECT FROM session_participants WHERE last_seen_at = to_timestamp($1::float8 / 1000)';
      expect((await world.database.pool.query(seen, [at])).rowCount).toBe(rows.length);
    },
  );

  test('[SE3] exactly one user gets the last slot', async () => {
    const limit =
      'UPDATE collaboration_sessions SET max_participants = (SELECT count(*) + 1 FROM session_participants WHERE session_id = $1 AND left_at IS NULL) WHERE id = $1';
    await world.database.pool.query(limit, [session.id]);
    const joins = Array.from({ length: 50 }, () => codeOf(world.manager.addParticipant(session.id, user().userId)));
    expect((await Promise.all(joins)).filter((code) => code === 'none')).toHaveLength(1);
  });
});
