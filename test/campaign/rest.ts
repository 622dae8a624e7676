import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { presenceKeys } from '../../lambdas/presence/keys.ts';

/** What the sweeps still have to do, in words and numbers, as the database knows it. */
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

/** Everything that sweeps and repairs have still to do; empty once the campaign has come to rest. */
export async function unrest(database: Pool, redis: Redis): Promise<string[]> {
  const { rows } = await database.query<{ what: string; count: string }>(waiting);
  const rooms = await roomsOf(database);
  const kept = await Promise.all(rooms.map(({ id }) => redis.llen(presenceKeys.journal(id))));
  const unwritten = kept.reduce((sum, length) => sum + length, 0);
  return [
    ...rows.map(({ what, count }) => `${count} ${what}`),
    ...(unwritten > 0 ? [`${unwritten} comings and goings to be written down`] : []),
    ...(await absenceFaults(database, redis)),
  ];
}

/** Whoever holds a place is present, and whoever is present holds a place. */
export async function absenceFaults(database: Pool, redis: Redis): Promise<string[]> {
  const rooms = await roomsOf(database);
  const faults = rooms.map(async ({ id, people }) => {
    const present = await redis.zrange(presenceKeys.users(id), '0', '-1');
    return [
      ...people.filter((one) => !present.includes(one)).map((one) => `${one} holds a place in ${id} and is not there`),
      ...present.filter((one) => !people.includes(one)).map((one) => `${one} is in ${id} and holds no place`),
    ];
  });
  return (await Promise.all(faults)).flat();
}

/** The sessions there are, with who holds a place. */
async function roomsOf(database: Pool): Promise<Room[]> {
  const { rows } = await database.query<Room>(`
    SELECT s.id, array_remove(array_agg(p.person_id::text), NULL) AS people FROM collaboration_sessions s
    LEFT JOIN session_participants p ON p.session_id = s.id AND p.left_at IS NULL GROUP BY s.id`);
  return rows;
}
