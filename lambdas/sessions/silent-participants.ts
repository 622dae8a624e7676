import type { Queryable } from '../platform/database.ts';
import { notSetAside } from '../platform/set-aside.ts';
import { time } from './sql-times.ts';

const select = `
  SELECT session_id AS "sessionId", person_id AS "personId",
    (extract(epoch FROM last_seen_at) * 1000)::float8 AS "lastSeenAt"
  FROM session_participants
  WHERE left_at IS NULL AND last_seen_at < ${time('$1')}
    AND ${notSetAside('lost-slot', "session_id || ':' || person_id", time('$3'))}
  ORDER BY last_seen_at LIMIT $2`;

/** A participant who holds a slot and was not seen for a while. Times are Unix milliseconds. */
export interface SilentParticipant {
  sessionId: string;
  personId: string;
  lastSeenAt: number;
}

/**
 * The participants who hold a slot and were last seen before `before`, the longest silent first, without those set aside at
 * `now`.
 */
export async function silentParticipants(
  database: Queryable,
  before: number,
  limit: number,
  now: number,
): Promise<SilentParticipant[]> {
  const { rows } = await database.query<SilentParticipant>({
    name: 'participants-silent',
    text: select,
    values: [before, limit, now],
  });
  return rows;
}
