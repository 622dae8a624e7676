import { setTimeout as pause } from 'node:timers/promises';
import type { Drill } from './drills.ts';
import { conclude } from './outcome.ts';

/** How long the stores are away. A failover of RDS takes one to two minutes; the service behaves in the same way. */
const awayMillis = 3000;

/**
 * A zone is lost: the primary of PostgreSQL, the node of Redis and half of the execution environments. The standby of RDS has each
 * committed block, so here PostgreSQL starts again on the same data, after a crash. The new node of Redis is empty.
 */
export const zone: Drill = async (venue, crowd, say) => {
  await crowd.allConfirmed();
  const failedAt = Date.now();
  await Promise.all([venue.kill(venue.postgres), venue.kill(venue.redis)]);
  await Promise.all([venue.gates.postgres.shut(), venue.gates.redis.shut()]);
  const ended = await venue.stack.endEnvironments(0.5);
  say(`killed PostgreSQL, Redis and ${ended} execution environments`);
  const sinceFailure = () => Date.now() - failedAt;
  const repair = async () => {
    await pause(awayMillis);
    venue.postgres = await venue.startPostgres(venue.data);
    venue.redis = await venue.startRedis();
    venue.gates.postgres.leadTo(venue.postgres.url);
    venue.gates.redis.leadTo(venue.redis.url);
    await Promise.all([venue.gates.postgres.open(), venue.gates.redis.open()]);
    say(`the standby of PostgreSQL and an empty node of Redis answer after ${sinceFailure()} ms`);
    return sinceFailure();
  };
  const [back, confirmed, joined] = await Promise.all([
    repair(),
    crowd.allConfirmed().then(sinceFailure),
    crowd.newcomer('newcomer').then(sinceFailure),
  ]);
  const recovery = { 'stores answer': back, 'activities are confirmed': confirmed, 'joins work': joined };
  return conclude(venue, crowd, { recovery, failedAt });
};
