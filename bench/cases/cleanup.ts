import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'pg';
import { sessionExpired } from '../../lambdas/activity/activity-events.ts';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { log } from '../../lambdas/platform/log.ts';
import { SessionCleanupService } from '../../lambdas/sessions/session-cleanup-service.ts';
import { SessionManager } from '../../lambdas/sessions/session-manager.ts';
import { readTimings } from '../../protocol/timings.ts';
import { withDatabase } from '../database.ts';
import { heapInUse } from '../heap.ts';
import { type Bench, type Measurement, median, timed } from '../measurement.ts';

const stale = 100_000;
const quietJoins = 500;
const joinEveryMillis = 5;
const dayMillis = 24 * 60 * 60 * 1000;

/** Creates sessions that were inactive for two hours, with two participants each. */
async function fill(pool: Pool): Promise<void> {
  await pool.query(
    `INSERT INTO users (id, username) SELECT md5(n::text)::uuid, 'Person ' || n FROM generate_series(1, 1000) n`,
  );
  await pool.query(
    `WITH s AS (
       INSERT INTO collaboration_sessions (operation_id, session_id, owner_id, start_time, last_active_at, updated_at)
       SELECT 'bench', 'SESSION-BENCH-' || n, md5((1 + n % 1000)::text)::uuid, t, t, t
       FROM generate_series(1, $1::int) n, (SELECT now() - interval '2 hours') AS moment (t) RETURNING id, start_time
     )
     INSERT INTO session_participants (session_id, user_id, role, joined_at, last_seen_at)
     SELECT s.id, md5(p::text)::uuid, 'viewer', s.start_time, s.start_time FROM s, generate_series(1, 2) p`,
    [stale],
  );
  await pool.query('ANALYZE');
}

/**
 * Joins users to a public session, one after the other, until it is told to stop. Returns the wait of each in
 * milliseconds.
 */
async function joins(manager: SessionManager, sessionRef: string, isRunning: () => boolean): Promise<number[]> {
  const waits: number[] = [];
  const people = Array.from({ length: 20 }, (_, n) => ({ userId: randomUUID(), username: `Visitor ${n}` }));
  while (isRunning()) {
    const person = people[waits.length % people.length]!;
    waits.push(await timed(() => manager.joinSession({ sessionRef, person })));
    await wait(joinEveryMillis);
  }
  return waits;
}

interface Phase {
  millis: number;
  done: number;
  megabytes: number;
  waits: number[];
}

/** Repeats the clean-up until it finds nothing more, while users join. */
async function phase(
  service: SessionCleanupService,
  join: (isRunning: () => boolean) => Promise<number[]>,
): Promise<Phase> {
  let running = true;
  const before = heapInUse();
  const joined = join(() => running);
  let [done, most] = [0, before];
  const millis = await timed(async () => {
    for (let more = 1; more > 0; done += more) {
      more = await service.runCleanup();
      most = Math.max(most, heapInUse());
    }
  });
  running = false;
  return { millis, done, megabytes: most - before, waits: await joined };
}

async function measure(pool: Pool): Promise<Measurement[]> {
  log.setLogLevel('ERROR');
  const timings = readTimings({});
  // Joins use a separate pool, because on AWS they run in another function.
  const door = new Pool({ ...pool.options, max: 2 });
  const manager = new SessionManager({ database: door, timings, inviteKeys: () => [] });
  const logger = new ActivityLogger({ pool });
  await fill(pool);
  const { id } = await manager.createSession(randomUUID(), 'bench', { isPublic: true, maxParticipants: 100 });
  const join = (isRunning: () => boolean) => joins(manager, id, isRunning);
  let left = quietJoins;
  const quiet = await join(() => left-- > 0);
  const service = (clock: () => number) =>
    new SessionCleanupService({
      ...{ database: pool, timings, clock },
      async onExpired({ sessionId, durationMinutes, participantCount }) {
        const { userId, type, details } = sessionExpired(sessionId, durationMinutes, participantCount);
        await logger.logActivity(sessionId, userId, type, details);
      },
    });
  const expiry = await phase(service(Date.now), join);
  await pool.query(`UPDATE collaboration_sessions SET last_active_at = now() + interval '2 days' WHERE id = $1`, [id]);
  const purge = await phase(
    service(() => Date.now() + timings.sessionRetentionMillis + dayMillis / 24),
    join,
  );
  await door.end();
  return [...waitsOf('a join', quiet), ...phaseOf('expire and announce', expiry), ...phaseOf('purge', purge)];
}

function phaseOf(what: string, { millis, done, megabytes, waits }: Phase): Measurement[] {
  return [
    { what: `${what}: sessions`, value: done, unit: 'sessions' },
    { what: `${what}: duration`, value: millis / 1000, unit: 's' },
    { what: `${what}: heap it holds`, value: megabytes, unit: 'MB' },
    ...waitsOf(`a join meanwhile (${what})`, waits, 'a join'),
  ];
}

function waitsOf(what: string, waits: number[], comparedWith?: string): Measurement[] {
  const p99 = waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? Number.NaN;
  const values = { median: median(waits), p99, longest: Math.max(...waits) };
  return Object.entries(values).map(([name, value]) => ({
    ...{ what: `${what}, ${name}`, value, unit: 'ms' },
    ...(comparedWith ? { comparedWith: `${comparedWith}, ${name}` } : {}),
  }));
}

export const bench: Bench = {
  title: `Cleanup of ${stale.toLocaleString('en')} stale sessions while people join`,
  run: () => withDatabase(measure),
};
