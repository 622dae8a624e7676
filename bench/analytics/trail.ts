import type { Pool } from 'pg';

export interface TrailOptions {
  /** Unix milliseconds. */
  from: number;
  to: number;
  entries: number;
  /** Another seed gives other ids and times. */
  seed: string;
}

const sessionOf = (session: string) => `md5($5 || ' session ' || ${session})::uuid`;
const guestOf = (session: string) => `md5($5 || ' guest ' || ${session})::uuid`;
const personOf = (n: string) => `md5('person ' || (${n}::bigint * 7919 % greatest($6::int / 100, 10)))::uuid`;

/** How many entries are written with one statement. */
const chunk = 200_000;

/**
 * Writes an audit trail with its links, evenly over a period. A session has ten entries; one of them is a join, and one a leave. There
 * are as many people as a hundredth of the entries. In each tenth session a guest does everything.
 */
export async function fillTrail(pool: Pool, { from, to, entries, seed }: TrailOptions): Promise<void> {
  for (let first = 0; first < entries; first += chunk) {
    const last = Math.min(first + chunk, entries) - 1;
    await pool.query(
      `WITH written AS (
         INSERT INTO activity_log (id, session_id, user_id, activity_type, details, created_at)
         SELECT md5($5 || ' ' || n)::uuid, ${sessionOf('n / 10')},
           CASE WHEN n / 10 % 10 = 0 THEN ${guestOf('n / 10')} ELSE ${personOf('n')} END,
           (ARRAY['user_joined', 'user_left', 'comment_added', 'action_taken', 'zoom', 'pan', 'edit', 'select', 'note', 'vote'])
             [n % 10 + 1],
           CASE n % 10 WHEN 1 THEN jsonb_build_object('cause', 'left', 'durationSeconds', n % 4000) ELSE '{"text":"xxxxxxxxxxxx"}' END,
           to_timestamp(($1::float8 + ($2::float8 - $1::float8) * n / $6) / 1000)
         FROM generate_series($3::int, $4::int) n
         RETURNING id, session_id
       )
       INSERT INTO activity_seals (session_id, sequence, activity_id, previous_hash, hash)
       SELECT session_id, row_number() OVER (PARTITION BY session_id) + $3, id, sha256(''), sha256('') FROM written`,
      [from, to, first, last, seed, entries],
    );
  }
}

/** Lets the guests of a trail sign in, each as one of its people. */
export async function signGuestsIn(pool: Pool, { from, to, entries, seed }: TrailOptions): Promise<void> {
  await pool.query(
    `INSERT INTO guest_identities (session_id, guest_id, user_id, signed_in_at)
     SELECT ${sessionOf('s')}, ${guestOf('s')}, ${personOf('s')}, to_timestamp(($1::float8 + $2::float8) / 2000)
     FROM generate_series($3::int, $4::int, 10) s`,
    [from, to, 0, Math.floor((entries - 1) / 10), seed, entries],
  );
}

const logTables = ['activity_log', 'activity_seals'];

/**
 * Runs work that writes millions of entries while the log has no triggers and no indexes but those of its keys. Afterwards it has all of
 * them again. Without this, most of the time is the writing of indexes.
 */
export async function withoutIndexes(pool: Pool, work: () => Promise<void>): Promise<void> {
  const { rows } = await pool.query<{ name: string; definition: string }>(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
     WHERE indrelid = ANY ($1::regclass[]) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)`,
    [logTables],
  );
  const triggers = (change: 'ENABLE' | 'DISABLE') =>
    Promise.all(logTables.map((table) => pool.query(`ALTER TABLE ${table} ${change} TRIGGER USER`)));
  await triggers('DISABLE');
  for (const { name } of rows) await pool.query(`DROP INDEX ${name}`);
  await work();
  for (const { definition } of rows) await pool.query(definition);
  await triggers('ENABLE');
}
