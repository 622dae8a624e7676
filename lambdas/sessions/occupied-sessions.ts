import type { Queryable } from '../platform/database.ts';

const select = `
  SELECT DISTINCT session_id AS id FROM session_participants
  WHERE left_at IS NULL AND session_id > $1
  ORDER BY session_id LIMIT $2`;

const first = '00000000-0000-0000-0000-000000000000';

/** The sessions in which at least one slot is held, in pages of at most `limit`. */
export async function* occupiedSessions(database: Queryable, limit = 1000): AsyncGenerator<string[]> {
  for (let after = first; ; ) {
    const { rows } = await database.query<{ id: string }>({
      name: 'sessions-occupied',
      text: select,
      values: [after, limit],
    });
    if (rows.length > 0) yield rows.map((row) => row.id);
    if (rows.length < limit) return;
    after = rows.at(-1)!.id;
  }
}
