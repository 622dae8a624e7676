import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { migrate, migrationsDirectory } from '../../lambdas/platform/migrations.ts';
import { createEmptyDatabase } from '../support/database.ts';

const removedAt = '2026-11-01T10:00:00.000Z';

test('[SE8] a person who was removed and returned before the migration has the time of the removal after it', async () => {
  const database = await createEmptyDatabase();
  const before = await mkdtemp(join(tmpdir(), 'migrations-'));
  try {
    const filter = (source: string) => !(basename(source) >= '0730' && source.endsWith('.sql'));
    await cp(migrationsDirectory(), before, { recursive: true, filter });
    await migrate(database.url, before);
    const query = (sql: string, values: unknown[]) => database.pool.query(sql, values);
    const [ownerId, ann, bob, invited] = Array.from({ length: 4 }, () => randomUUID());
    await query(`INSERT INTO users (id, username) SELECT unnest($1::uuid[]), 'Somebody'`, [[ownerId, ann, bob]]);
    const sessions = { live: randomUUID(), withoutInvite: randomUUID() };
    for (const id of Object.values(sessions)) {
      await query(
        `INSERT INTO collaboration_sessions (id, operation_id, session_id, owner_id) VALUES ($1::uuid, 'op', $1::uuid::text, $2)`,
        [id, ownerId],
      );
      await query('INSERT INTO session_participants (session_id, user_id) SELECT $1, unnest($2::uuid[])', [
        ...[id, [ann, bob]],
      ]);
      await query(
        `INSERT INTO activity_log (session_id, user_id, activity_type, details, created_at)
         SELECT $1, $2, 'participant_removed', jsonb_build_object('targetUserId', $3::text), $4::timestamptz - age
         FROM unnest(ARRAY['0', '1 hour']::interval[]) AS ages (age)`,
        [id, ownerId, ann, removedAt],
      );
    }
    await query(
      `INSERT INTO session_invites (id, session_id, created_by, token_hash, role, expires_at)
       VALUES ($1, $2, $3, sha256('an invite'), 'operator', now() + interval '1 day')`,
      [invited, sessions.live, ownerId],
    );
    expect(await migrate(database.url, 'migrations')).toContain('0730-owner-decisions');
    const { rows } = await query(
      'SELECT session_id, user_id, removed_at FROM session_participants WHERE removed_at IS NOT NULL',
      [],
    );
    expect(rows).toEqual([{ session_id: sessions.live, user_id: ann, removed_at: new Date(removedAt) }]);
  } finally {
    await database.drop();
    await rm(before, { recursive: true });
  }
});
