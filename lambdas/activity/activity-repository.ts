import type { Pool } from 'pg';
import type { ActivityEntry } from './activity-entry.ts';

/** What the activity log needs of PostgreSQL; a `pg` pool is one. */
export type Database = Pick<Pool, 'query' | 'connect'>;

/** The session, the user and the type of an entry. */
export interface EntryOwner {
  id: string;
  sessionId: string;
  userId: string | null;
  activityType: string;
}

/**
 * Inserts any number of entries and their tickets in one statement. An entry whose id exists already is not changed. The
 * statement returns the ids that are new.
 */
const insert = `
  WITH given AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
      $9::float8[]) WITH ORDINALITY
      AS g (id, session_id, user_id, username, activity_type, details, ip_address, user_agent, created_at, ordinal)
  ), written AS (
    INSERT INTO activity_log
      (id, session_id, user_id, username, activity_type, details, ip_address, user_agent, created_at)
    SELECT id, session_id, user_id, username, activity_type, details::jsonb, ip_address::inet, user_agent,
      to_timestamp(created_at / 1000)
    FROM given ORDER BY ordinal
    ON CONFLICT (id) DO NOTHING
    RETURNING id, session_id
  ), ticketed AS (
    INSERT INTO activity_unsealed (session_id, activity_id) SELECT session_id, id FROM written
  )
  SELECT id FROM written`;

/** The SQL that writes the activity log. */
export class ActivityRepository {
  readonly #database: Pick<Database, 'query'>;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
  }

  /** Writes the entries in one statement and returns the ids that did not exist before. */
  async insert(entries: readonly ActivityEntry[]): Promise<Set<string>> {
    const column = <K extends keyof ActivityEntry>(name: K) => entries.map((entry) => entry[name]);
    const values = [
      column('id'),
      column('sessionId'),
      column('userId'),
      column('username'),
      column('activityType'),
      column('details'),
      column('ipAddress'),
      column('userAgent'),
      column('createdAt'),
    ];
    const { rows } = await this.#database.query<{ id: string }>({ name: 'activity-insert', text: insert, values });
    return new Set(rows.map((row) => row.id));
  }

  /** The session and the user of the entries with these ids, by id. */
  async ownersOf(ids: readonly string[]): Promise<Map<string, EntryOwner>> {
    const { rows } = await this.#database.query<EntryOwner>({
      name: 'activity-owners',
      text: `SELECT id, session_id AS "sessionId", user_id AS "userId", activity_type AS "activityType"
        FROM activity_log WHERE id = ANY($1::uuid[])`,
      values: [ids],
    });
    return new Map(rows.map((row) => [row.id, row]));
  }
}
