import { randomUUID } from 'node:crypto';
import { type SessionWorld, sessionWorld, user } from './support.ts';

// Functions for operators in psql, with the clock of the server.
let world: SessionWorld;
beforeAll(async () => {
  world = await sessionWorld();
});
afterAll(() => world.close());

async function value(sql: string, values: unknown[] = []): Promise<unknown> {
  const { rows } = await world.database.pool.query({ text: sql, values, rowMode: 'array' });
  return rows[0]?.[0];
}

/** A session with one participant, with all times of the given age. */
async function sessionOfAge(age: string): Promise<{ id: string; owner: string }> {
  const owner = randomUUID();
  const id = await value(
    `WITH owner AS (INSERT INTO users (id, username) VALUES ($1, 'Olga') RETURNING id)
     INSERT INTO collaboration_sessions (operation_id, session_id, owner_id, start_time, last_active_at)
     SELECT 'op', $2, id, now() - $3::interval, now() - $3::interval FROM owner RETURNING id`,
    [owner, `SESSION-20260101-${randomUUID()}`, age],
  );
  await value(
    `INSERT INTO session_participants (session_id, user_id, joined_at) VALUES ($1, $2, now() - $3::interval)`,
    [id, owner, age],
  );
  return { id: id as string, owner };
}

const check = (id: string, rest = '') => value(`SELECT check_session_expiry($1${rest})`, [id]);

describe('check_session_expiry', () => {
  test('[SE5] uses one hour or the given time, and returns null for an unknown session', async () => {
    const { id } = await sessionOfAge('61 minutes');
    expect(await check(id)).toBe(true);
    expect(await check(id, `, '2 hours'`)).toBe(false);
    expect(await check((await sessionOfAge('59 minutes')).id)).toBe(false);
    expect(await check(randomUUID())).toBeNull();
  });

  test('[SE5] returns false for an ended session, and true for an expired one of any age', async () => {
    const { id } = await sessionOfAge('61 minutes');
    await value(`UPDATE collaboration_sessions SET status = 'completed' WHERE id = $1`, [id]);
    expect(await check(id)).toBe(false);
    await value(`UPDATE collaboration_sessions SET status = 'expired' WHERE id = $1`, [id]);
    expect(await check(id, `, '1 year'`)).toBe(true);
  });

  test('[SE5] uses only the newest sign of life of active participants', async () => {
    const { id, owner } = await sessionOfAge('61 minutes');
    await value(`UPDATE session_participants SET last_seen_at = now() WHERE session_id = $1`, [id]);
    expect(await check(id)).toBe(false);
    await value(`UPDATE session_participants SET left_at = now() WHERE user_id = $1`, [owner]);
    expect(await check(id)).toBe(true);
  });
});

describe('cleanup_inactive_sessions', () => {
  test('[SE6] expires sessions older than an hour, releases their slots, returns their number, and finds none the second time', async () => {
    const old = await sessionOfAge('61 minutes');
    const young = await sessionOfAge('59 minutes');
    const before = Number(await value('SELECT cleanup_inactive_sessions()'));
    expect(before).toBeGreaterThanOrEqual(1);
    expect(await value('SELECT cleanup_inactive_sessions()')).toBe(0);
    const status = (id: string) => value('SELECT status FROM collaboration_sessions WHERE id = $1', [id]);
    expect([await status(old.id), await status(young.id)]).toEqual(['expired', 'active']);
    const active = 'SELECT count(*)::int FROM session_participants WHERE session_id = $1 AND is_active';
    expect([await value(active, [old.id]), await value(active, [young.id])]).toEqual([0, 1]);
  });

  test('[SE10] expires at most one batch', async () => {
    await Promise.all(Array.from({ length: 5 }, () => sessionOfAge('3 hours')));
    expect(await value(`SELECT cleanup_inactive_sessions('2 hours', 3)`)).toBe(3);
    expect(await value(`SELECT cleanup_inactive_sessions('2 hours', 3)`)).toBe(2);
  });

  test('[SE9] skips rows that another run has locked', async () => {
    const held = await sessionOfAge('3 hours');
    const free = await sessionOfAge('3 hours');
    const client = await world.database.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query('SELECT FROM collaboration_sessions WHERE id = $1 FOR UPDATE', [held.id]);
      expect(await value(`SELECT cleanup_inactive_sessions('2 hours')`)).toBe(1);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
    expect([await check(free.id, `, '1 year'`), await check(held.id, `, '1 year'`)]).toEqual([true, false]);
  });
});

describe('update_participant_last_seen', () => {
  const seen = (id: string) =>
    value("SELECT now() - last_seen_at < interval '1 minute' FROM session_participants WHERE session_id = $1", [id]);

  test('counts the join and own changes of a participant as signs of life', async () => {
    const { id } = await sessionOfAge('30 minutes');
    expect(await value('SELECT last_seen_at = joined_at FROM session_participants WHERE session_id = $1', [id])).toBe(
      true,
    );
    expect(await seen(id)).toBe(false);
    await value(`UPDATE session_participants SET name = 'Olga II' WHERE session_id = $1`, [id]);
    expect(await seen(id)).toBe(true);
  });

  test('keeps an explicitly set time, and does not count changes by others', async () => {
    const { id } = await sessionOfAge('30 minutes');
    await value(`UPDATE session_participants SET role = 'operator' WHERE session_id = $1`, [id]);
    expect(await seen(id)).toBe(false);
    await value(`UPDATE session_participants SET last_seen_at = now() - interval '2 hours' WHERE session_id = $1`, [
      id,
    ]);
    expect(
      await value(
        "SELECT now() - last_seen_at >= interval '119 minutes' FROM session_participants WHERE session_id = $1",
        [id],
      ),
    ).toBe(true);
  });
});

describe('a participant row', () => {
  test('keeps is_active and left_at consistent, whichever of them is written', async () => {
    const { id } = await sessionOfAge('1 minute');
    const both = () =>
      value('SELECT is_active::text || (left_at IS NULL)::text FROM session_participants WHERE session_id = $1', [id]);
    expect(await both()).toBe('truetrue');
    await value('UPDATE session_participants SET is_active = false WHERE session_id = $1', [id]);
    expect(await both()).toBe('falsefalse');
    await value('UPDATE session_participants SET left_at = NULL WHERE session_id = $1', [id]);
    expect(await both()).toBe('truetrue');
    await value('UPDATE session_participants SET left_at = now() WHERE session_id = $1', [id]);
    expect(await both()).toBe('falsefalse');
  });

  test.each([
    ['both a user and a guest', '$2, $3'],
    ['neither', 'NULL, NULL'],
  ])('belongs to one user or guest: not to %s', async (_, ids) => {
    const { id, owner } = await sessionOfAge('1 minute');
    const insert = `INSERT INTO session_participants (session_id, user_id, anonymous_id)
      SELECT $1, ${ids.includes('$') ? '$2::uuid, $3::uuid' : 'NULL, NULL'} WHERE $2::uuid IS NOT NULL AND $3::uuid IS NOT NULL`;
    await expect(value(insert, [id, owner, randomUUID()])).rejects.toThrow('violates');
  });

  test('[SE3] is the only row of that user with a slot', async () => {
    const { id, owner } = await sessionOfAge('1 minute');
    const insert = 'INSERT INTO session_participants (session_id, user_id) VALUES ($1, $2)';
    await expect(value(insert, [id, owner])).rejects.toThrow('idx_participants_place');
    await value('UPDATE session_participants SET left_at = now() WHERE session_id = $1', [id]);
    await value(insert, [id, owner]);
    const person = { userId: owner, username: 'Olga' };
    expect(await world.manager.joinSession({ sessionRef: id, person }).catch((error) => error.code)).not.toBe(
      'INTERNAL',
    );
  });
});

test('an audit entry remains after its session and its user were deleted', async () => {
  const insert = `INSERT INTO activity_log (session_id, user_id, activity_type) VALUES ($1, $2, 'late') RETURNING id`;
  expect(await value(insert, [randomUUID(), user().userId])).toEqual(expect.any(String));
});
