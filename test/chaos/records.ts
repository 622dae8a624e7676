import { setTimeout as pause } from 'node:timers/promises';
import type { Findings } from './findings.ts';
import type { Room } from './room.ts';
import type { TestBed } from './test-bed.ts';

/**
 * Compares the stores with the true state. Exactly the present users must hold a slot. In the audit trail the joins and leaves of each
 * user must alternate. Redis must have no waiting frames.
 *
 * @param bound how long the release of a slot may take after a lost leave (`limitMillis`), and how long to wait for it (`waitMillis`).
 * After a shorter wait such a slot is counted and is no violation.
 */
export async function checkRecords(
  testBed: TestBed,
  rooms: Room[],
  findings: Findings,
  { limitMillis, waitMillis }: { limitMillis: number; waitMillis: number },
): Promise<void> {
  for (const room of rooms) {
    for (const key of ['pending', 'changes']) {
      const waits = await testBed.redis.exists(`presence:${key}:{${room.sessionId}}`);
      if (waits > 0) findings.violated('DE3', `a frame still waits in ${key} of ${room.sessionId}`);
    }
  }
  const begun = Date.now();
  let wrong = await wrongPlaces(testBed, rooms);
  while (wrong.length > 0 && Date.now() < begun + waitMillis) {
    await pause(1000);
    wrong = await wrongPlaces(testBed, rooms);
  }
  findings.longest('places until right', Date.now() - begun);
  if (waitMillis < limitMillis) findings.count('places that may still be given back', wrong.length);
  else for (const sentence of wrong) findings.violated('slots', sentence);
  for (const sentence of await brokenTrails(testBed, rooms)) findings.violated('PR9', sentence);
}

async function wrongPlaces({ database }: TestBed, rooms: Room[]): Promise<string[]> {
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
  /** The movements in order: `+` for a join, `-` for a leave. */
  movements: string;
  times: string[];
}

async function brokenTrails({ database }: TestBed, rooms: Room[]): Promise<string[]> {
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
