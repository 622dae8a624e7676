import { setTimeout as pause } from 'node:timers/promises';
import type { Findings } from './findings.ts';
import type { Room } from './room.ts';
import type { Venue } from './venue.ts';

/**
 * At a quiet point the stores have to agree with the truth: a place for each who is there and for nobody else, an audit
 * trail in which everybody comes and goes by turns, and nothing in Redis that waits to be sent.
 *
 * @param bound how long a place whose departure was lost may take to be given back (`limitMillis`), and how long to wait for
 * that (`waitMillis`). After a shorter wait such a place is counted, but is no violation.
 */
export async function checkRecords(
  venue: Venue,
  rooms: Room[],
  findings: Findings,
  { limitMillis, waitMillis }: { limitMillis: number; waitMillis: number },
): Promise<void> {
  for (const room of rooms) {
    for (const key of ['pending', 'changes']) {
      const waits = await venue.redis.exists(`presence:${key}:{${room.sessionId}}`);
      if (waits > 0) findings.violated('DE3', `something still waits in ${key} of ${room.sessionId}`);
    }
  }
  const begun = Date.now();
  let wrong = await wrongPlaces(venue, rooms);
  while (wrong.length > 0 && Date.now() < begun + waitMillis) {
    await pause(1000);
    wrong = await wrongPlaces(venue, rooms);
  }
  findings.longest('places until right', Date.now() - begun);
  if (waitMillis < limitMillis) findings.count('places that may still be given back', wrong.length);
  else for (const sentence of wrong) findings.violated('places', sentence);
  for (const sentence of await brokenTrails(venue, rooms)) findings.violated('PR9', sentence);
}

async function wrongPlaces({ database }: Venue, rooms: Room[]): Promise<string[]> {
  const { rows } = await database.query<{ session_id: string; person_id: string }>(
    'SELECT session_id, person_id FROM session_participants WHERE left_at IS NULL AND session_id = ANY($1)',
    [rooms.map((room) => room.sessionId)],
  );
  const places = new Set(rows.map((row) => `${row.session_id} ${row.person_id}`));
  const due = rooms.flatMap((room) =>
    room.people.filter((person) => person.solidTab(Date.now())).map((person) => `${room.sessionId} ${person.userId}`),
  );
  const missing = due.filter((place) => !places.has(place)).map((place) => `no place for ${place}`);
  const lost = [...places].filter((place) => !due.includes(place)).map((place) => `a place is kept for ${place}`);
  return [...missing, ...lost];
}

interface Trail {
  session_id: string;
  user_id: string;
  /** The movements in order: `+` for a join, `-` for an end. */
  movements: string;
  times: string[];
}

async function brokenTrails({ database }: Venue, rooms: Room[]): Promise<string[]> {
  const { rows } = await database.query<Trail>(
    `SELECT session_id, user_id,
       string_agg(CASE activity_type WHEN 'user_joined' THEN '+' ELSE '-' END, '' ORDER BY created_at, activity_type)
         AS movements,
       array_agg(activity_type || ' ' || coalesce(details ->> 'cause', '') || ' ' || to_char(created_at, 'HH24:MI:SS.MS')
         ORDER BY created_at, activity_type) AS times
     FROM activity_log
     WHERE session_id = ANY($1) AND activity_type IN ('user_joined', 'user_left', 'user_timeout')
     GROUP BY session_id, user_id`,
    [rooms.map((room) => room.sessionId)],
  );
  return rows
    .filter(({ movements }) => movements.includes('++') || movements.includes('--'))
    .map(({ user_id, movements, times }) => {
      const place = Math.max(movements.indexOf('++'), movements.indexOf('--'));
      return `the trail of ${user_id} does not alternate: ${times.slice(Math.max(0, place - 1), place + 3).join(', ')}`;
    });
}
