import { setTimeout as pause } from 'node:timers/promises';
import { shardNumbers } from '../../lambdas/presence/deadlines.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import type { Measurement } from '../measurement.ts';
import { cpuSecondsOf } from '../rooms/process-tree.ts';
import { type GeneratedRoom, makeRooms } from './room.ts';
import type { Sweepers } from './sweepers.ts';
import type { SweepWorld } from './world.ts';

export const sessionCounts = [1000, 10_000, 50_000];
const movingCounts = [0, 500, 5000];
const peoplePerRoom = 2;
/** Time for one round of visits to all sessions, plus some seconds. */
const measuredSeconds = 35;
const heartbeatSeconds = 30;
const strandedRooms = 20;

/** Long, so that no user times out or becomes away during the measurement. */
export const steadySettings = { HEARTBEAT_TIMEOUT_SECONDS: '1800', AWAY_AFTER_SECONDS: '1800' };

/** Measures one sweep with different numbers of sessions, under heartbeats and cursors only. */
export async function steady(
  world: SweepWorld,
  counts: readonly number[],
  say: (line: string) => void,
): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  const rooms: GeneratedRoom[] = [];
  await world.generator.clear();
  const sweepers = world.startSweepers(1);
  try {
    for (const sessions of counts) {
      say(`${sessions.toLocaleString('en')} sessions …`);
      const more = makeRooms(sessions - rooms.length, peoplePerRoom);
      await world.generator.fill(more);
      rooms.push(...more);
      // By now, each session was visited once and its first writes are done.
      await runFor(measuredSeconds, world, rooms, []);
      for (const moving of movingCounts.filter((many) => many < sessions)) {
        measurements.push(...(await measure(world, sweepers, rooms, moving)));
      }
    }
  } finally {
    await sweepers.stop();
  }
  return measurements;
}

async function measure(
  world: SweepWorld,
  sweepers: Sweepers,
  rooms: readonly GeneratedRoom[],
  moving: number,
): Promise<Measurement[]> {
  const movers = rooms.slice(strandedRooms, strandedRooms + moving);
  await world.generator.move(movers, Date.now());
  await world.generator.tellOfMovement(movers);
  const stranded = moving > 0 ? rooms.slice(0, strandedRooms) : [];
  const before = await usage(world, sweepers);
  const { latest, strandedAt } = await runFor(measuredSeconds, world, rooms, movers, stranded);
  const after = await usage(world, sweepers);
  const seconds = (after.at - before.at) / 1000;
  const name = (many: number) => `${rooms.length.toLocaleString('en')} sessions, ${many.toLocaleString('en')} moving`;
  const of = (what: string, value: number, unit: string, comparedWith?: string): Measurement => ({
    ...{ what: `${name(moving)}: ${what}`, value, unit },
    ...(comparedWith && comparedWith !== `${name(moving)}: ${what}` ? { comparedWith } : {}),
  });
  const cpu = (1000 * (after.cpu - before.cpu)) / seconds;
  const waits = world.arrived
    .filter(({ connectionId, frame }) => frame.type === 'cursors' && strandedAt.has(connectionId.split('_')[0]!))
    .map(({ at, connectionId }) => at - strandedAt.get(connectionId.split('_')[0]!)!);
  if (moving > 0 && waits.length < strandedRooms) throw new Error('A cursor whose flusher died was never sent.');
  return [
    of('CPU of the sweep', cpu, 'ms/s'),
    of(
      'CPU of the sweep per session',
      (1000 * cpu) / rooms.length,
      'µs/s',
      '1,000 sessions, 0 moving: CPU of the sweep per session',
    ),
    of('CPU of Redis for the sweep and the load', (1000 * (after.redis - before.redis)) / seconds, 'ms/s'),
    of('CPU of PostgreSQL', (1000 * (after.postgres - before.postgres)) / seconds, 'ms/s'),
    of('transactions of PostgreSQL', (after.transactions - before.transactions) / seconds, '1/s'),
    of('the latest visit after its time', latest / 1000, 's'),
    ...(moving > 0 ? [of('the longest wait for a flusher that died', Math.max(...waits), 'ms')] : []),
  ];
}

/**
 * Generates heartbeats and cursors. Returns the largest delay of a visit, and the times when cursors were left without
 * a flusher.
 */
async function runFor(
  seconds: number,
  { redis, generator, arrived }: SweepWorld,
  rooms: readonly GeneratedRoom[],
  movers: readonly GeneratedRoom[],
  stranded: readonly GeneratedRoom[] = [],
) {
  let latest = 0;
  const strandedAt = new Map<string, number>();
  arrived.length = 0;
  const began = Date.now();
  for (let second = 0; second < seconds; second += 1) {
    const from = Math.floor(((second % heartbeatSeconds) / heartbeatSeconds) * rooms.length);
    const to = Math.floor((((second % heartbeatSeconds) + 1) / heartbeatSeconds) * rooms.length);
    await generator.beat(rooms.slice(from, to), Date.now());
    await generator.move(movers, Date.now());
    if (second === 5) {
      for (const { sessionId } of stranded) strandedAt.set(sessionId, Date.now());
      await generator.strand(stranded);
    }
    latest = Math.max(latest, await lateness(redis));
    await pause(Math.max(0, began + 1000 * (second + 1) - Date.now()));
  }
  return { latest, strandedAt };
}

/** The longest wait of a due session for its visit, in milliseconds. */
async function lateness(redis: SweepWorld['redis']): Promise<number> {
  const first = await Promise.all(
    shardNumbers.map((shard) => redis.zrange(presenceKeys.due(shard), '0', '0', 'WITHSCORES')),
  );
  const due = first.flatMap(([, score]) => (score === undefined ? [] : [Number(score)]));
  return Math.max(0, Date.now() - Math.min(...due));
}

async function usage({ redis, pool }: SweepWorld, sweepers: Sweepers) {
  const info = await redis.info('cpu');
  const used = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  const { rows } = await pool.query<{ many: string }>(
    'SELECT xact_commit + xact_rollback AS many FROM pg_stat_database WHERE datname = current_database()',
  );
  const { user, system } = process.cpuUsage();
  const [cpu, ofRedis] = [await sweepers.cpuSeconds(), used('used_cpu_user') + used('used_cpu_sys')];
  return {
    ...{ at: Date.now(), cpu, redis: ofRedis },
    // All other processes that this process started. The DynamoDB server is idle.
    postgres: (await cpuSecondsOf(process.pid)) - cpu - ofRedis - (user + system) / 1e6,
    transactions: Number(rows[0]!.many),
  };
}
