import type { Pool } from 'pg';

/** Rows that the database refuses to write, as a broken trigger or a corrupted page does. */
export async function refuseBadRows(pool: Pool, columns: Record<string, string>) {
  await pool.query(`
    CREATE TABLE bad_rows (id text PRIMARY KEY);
    CREATE FUNCTION refuse_bad_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF EXISTS (SELECT FROM bad_rows WHERE id = to_jsonb(coalesce(NEW, OLD)) ->> TG_ARGV[0]) THEN
        RAISE EXCEPTION 'this row is bad';
      END IF;
      RETURN coalesce(NEW, OLD);
    END $$`);
  for (const [table, column] of Object.entries(columns)) {
    await pool.query(
      `CREATE TRIGGER bad_row BEFORE INSERT OR UPDATE OR DELETE ON ${table}
       FOR EACH ROW EXECUTE FUNCTION refuse_bad_row('${column}')`,
    );
  }
  return {
    spoil: async (id: string) => void (await pool.query('INSERT INTO bad_rows VALUES ($1)', [id])),
    mend: async () => void (await pool.query('DELETE FROM bad_rows')),
    /** What is set aside, with how often it failed. */
    async aside(): Promise<{ step: string; id: string; failures: number }[]> {
      return (await pool.query('SELECT step, id, failures FROM sweep_set_aside ORDER BY step, id')).rows;
    },
  };
}
