import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { presenceKeys } from '../../lambdas/presence/keys.ts';

/** The remaining work of the sweeps in the database, as names and numbers. */
const waiting = `
  SELECT * FROM (
    SELECT 'entries to be sealed' AS what, count(*) FROM activity_unsealed
    UNION ALL
    SELECT 'entries past their retention', count(*) FROM activity_log WHERE created_at < now() - interval '91 days'
    UNION ALL
    SELECT 'places in sessions that are over', count(*) FROM session_participants p
    JOIN collaboration_sessions s ON s.id = p.session_id WHERE s.status <> 'active' AND p.left_at IS NULL
    UNION ALL
    SELECT 'expiries to be announced', count(*) FROM collaboration_sessions
    WHERE status = 'expired' AND expiry_announced_at IS NULL
  ) w WHERE count > 0`;

interface Room {
  id: string;
  people: string[];
}

/** All remaining work of sweeps and repairs; empty when no work is left. */
export async function remainingWork(database: Pool, redis: Redis): Promise<string[]> {
  const { rows } = await database.query<{ what: string; count: string }>(waiting);
  const rooms = await roomsOf(database);
  const kept = await Promise.all(rooms.map(({ id }) => redis.llen(presenceKeys.journal(id))));
  const unwritten = kept.reduce((sum, length) => sum + length, 0);
  return [
    ...rows.map(({ what, count }) => `${count} ${what}`),
    ...(unwritten > 0 ? [`${unwritten} joins and leaves to be recorded`] : []),
    ...(await absenceFaults(database, redis)),
  ];
}

/** Checks that the users with a slot are exactly the present users. */
export async function absenceFaults(database: Pool, redis: Redis): Promise<string[]> {
  const rooms = await roomsOf(database);
  const faults = rooms.map(async ({ id, people }) => {
    const present = await redis.zrange(presenceKeys.users(id), '0', '-1');
    return [
      ...people.filter((one) => !present.includes(one)).map((one) => `${one} holds a slot in ${id} and is not present`),
      ...present.filter((one) => !people.includes(one)).map((one) => `${one} is present in ${id} and holds no slot`),
    ];
  });
  return (await Promise.all(faults)).flat();
}

/** The sessions, with the users who hold a slot. */
async function roomsOf(database: Pool): Promise<Room[]> {
  const { rows } = await database.query<Room>(`
    SELECT s.id, array_remove(array_agg(p.person_id::text), NULL) AS people FROM collaboration_sessions s
    LEFT JOIN session_participants p ON p.session_id = s.id AND p.left_at IS NULL GROUP BY s.id`);
  return rows;
}
