import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { type ActivityOutbox, asideShard, outboxShards } from '../../lambdas/activity/activity-outbox.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import { slotFaults, slotHolders } from '../harness/checks/slots.ts';

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

export interface Stores {
  database: Pool;
  redis: Redis;
  outbox: Pick<ActivityOutbox, 'count'>;
}

/** All remaining work of sweeps and repairs; empty when no work is left. */
export async function remainingWork({ database, redis, outbox }: Stores): Promise<string[]> {
  const { rows } = await database.query<{ what: string; count: string }>(waiting);
  const sessionIds = [...(await slotHolders(database)).keys()];
  const kept = await Promise.all(sessionIds.map((id) => redis.llen(presenceKeys.journal(id))));
  const unwritten = kept.reduce((sum, length) => sum + length, 0);
  const inOutbox = await Promise.all([...outboxShards, asideShard].map((shard) => outbox.count(shard)));
  const entries = inOutbox.reduce((sum, count) => sum + count, 0);
  return [
    ...(entries > 0 ? [`${entries} entries of the outbox`] : []),
    ...rows.map(({ what, count }) => `${count} ${what}`),
    ...(unwritten > 0 ? [`${unwritten} joins and leaves to be recorded`] : []),
    ...(await absenceFaults(database, redis)),
  ];
}

/** Checks that the users with a slot are exactly the present users. */
export async function absenceFaults(database: Pool, redis: Redis): Promise<string[]> {
  const faults = [...(await slotHolders(database))].map(async ([sessionId, holders]) => {
    const present = await redis.zrange(presenceKeys.users(sessionId), '0', '-1');
    return slotFaults({ sessionId, holders, present });
  });
  return (await Promise.all(faults)).flat();
}
