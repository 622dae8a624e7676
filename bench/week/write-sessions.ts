import type { Pool } from 'pg';
import type { FilledSession } from './filled-session.ts';
import type { WeekPerson } from './simulated-week.ts';

/**
 * Writes the users, the sessions, their present participants, and the list of live sessions, as joins and visits would have. The
 * sessions stay in the list for an hour without a visit.
 */
export async function writeSessions(
  pool: Pool,
  sessions: readonly FilledSession[],
  people: readonly WeekPerson[],
): Promise<void> {
  await pool.query(`INSERT INTO users (id, username) SELECT * FROM unnest($1::uuid[], $2::text[])`, [
    people.map(({ userId }) => userId),
    people.map(({ username }) => username),
  ]);
  await pool.query(
    `INSERT INTO collaboration_sessions (id, session_id, operation_id, owner_id, metadata, start_time, last_active_at)
     SELECT id, name, name, owner, jsonb_build_object('title', title), to_timestamp(began / 1000), now()
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::float8[]) AS g (id, name, title, owner, began)`,
    [
      sessions.map(({ id }) => id),
      sessions.map(({ name }) => name),
      sessions.map(({ title }) => title),
      sessions.map(({ owner }) => owner.userId),
      sessions.map(({ owner }) => owner.joinedAt),
    ],
  );
  const seats = sessions.flatMap(({ id, week }) =>
    week.stays.filter(({ leftAt }) => leftAt === null).map((stay) => ({ id, ...stay })),
  );
  await pool.query(
    `INSERT INTO session_participants (session_id, user_id, name, role, joined_at, last_seen_at)
     SELECT id, user_id, name, role, to_timestamp(at / 1000), now()
     FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::float8[]) AS g (id, user_id, name, role, at)`,
    [
      seats.map(({ id }) => id),
      seats.map(({ userId }) => userId),
      seats.map(({ username }) => username),
      seats.map(({ role }) => role),
      seats.map(({ joinedAt }) => joinedAt),
    ],
  );
  await pool.query(
    `INSERT INTO live_sessions (session_id, people, online, dollars_per_hour, seen_at)
     SELECT session_id, count(*), greatest(1, count(*) * 4 / 5), 0.0021 * count(*) * (1 + ascii(session_id::text) % 7),
       now() + interval '1 hour'
     FROM session_participants WHERE left_at IS NULL AND session_id = ANY ($1::uuid[]) GROUP BY session_id`,
    [sessions.map(({ id }) => id)],
  );
}
