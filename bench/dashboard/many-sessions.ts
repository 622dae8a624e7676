import type { Pool } from 'pg';

/**
 * Writes sessions with people, as visits would have found them. The first has the most people, and the last the highest cost. They
 * stay in the list for an hour without a visit.
 *
 * @param name the beginning of their titles.
 */
export async function fillSessions(pool: Pool, many: number, name: string): Promise<void> {
  await pool.query(`INSERT INTO users (id, username) VALUES (md5('owner')::uuid, 'Olive') ON CONFLICT DO NOTHING`);
  await pool.query(
    `WITH made AS (
       INSERT INTO collaboration_sessions (id, session_id, operation_id, owner_id, metadata)
       SELECT md5($2 || n)::uuid, 'SESSION-' || upper($2) || '-' || n, $2 || n, md5('owner')::uuid, jsonb_build_object('title', $2 || ' ' || n)
       FROM generate_series(1, $1::int) n RETURNING id, substring(session_id FROM '[0-9]+$')::int AS n)
     INSERT INTO live_sessions (session_id, people, online, dollars_per_hour, seen_at)
     SELECT id, 3 + ($1 - n) % 200, 3, 0.001 * n, now() + interval '1 hour' FROM made`,
    [many, name],
  );
}
