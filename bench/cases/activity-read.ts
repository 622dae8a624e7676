import { randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Pool } from 'pg';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { encodeCursor } from '../../lambdas/activity/page-cursor.ts';
import { withDatabase } from '../database.ts';
import { type Bench, type Measurement, median, readable, timed } from '../measurement.ts';

const sizes = [10_000, 1_000_000];
const large = 10_000_000;
const rounds = 200;
const start = Date.UTC(2026, 0, 1);

/** Creates one session with this many entries, one each 100 ms, of 40 users and 12 types. */
async function fill(pool: Pool, sessionId: string, many: number): Promise<void> {
  await pool.query(
    `INSERT INTO activity_log (session_id, user_id, activity_type, details, ip_address, user_agent, created_at)
     SELECT $1, md5((n % 40)::text)::uuid, 'type_' || n % 12, jsonb_build_object('n', n, 'text', repeat('x', 80)),
       '203.0.113.7', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0', $2::timestamptz + n * interval '100 milliseconds'
     FROM generate_series(1, $3::int) n`,
    [sessionId, new Date(start), many],
  );
  await pool.query('ANALYZE activity_log');
}

/** Measures the time of the export and its peak memory. Garbage is collected before each memory reading. */
async function exportAll(logger: ActivityLogger, sessionId: string): Promise<{ millis: number; megabytes: number }> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const inUse = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = inUse();
  let most = before;
  let pieces = 0;
  const millis = await timed(async () => {
    for await (const piece of logger.exportActivity(sessionId, 'ndjson')) {
      if (piece.length > 0 && pieces++ % 100 === 1) most = Math.max(most, inUse());
    }
  });
  return { millis, megabytes: (most - before) / 2 ** 20 };
}

async function measureSize(pool: Pool, many: number): Promise<Measurement[]> {
  const sessionId = randomUUID();
  await fill(pool, sessionId, many);
  const logger = new ActivityLogger({ pool });
  const page = async (query: (round: number) => object) => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      times.push(await timed(() => logger.getSessionActivity(sessionId, { limit: 100, ...query(round) })));
    }
    return median(times);
  };
  const somewhere = (round: number) => {
    const createdAt = start + Math.floor((many * 100 * (round + 1)) / (rounds + 1));
    return encodeCursor(sessionId, { createdAt, id: randomUUID() });
  };
  const of = (what: string, value: number, unit: string): Measurement => ({
    what: `${what}, ${readable(many)}`,
    value,
    unit,
    ...(many === sizes[0] ? {} : { comparedWith: `${what}, ${readable(sizes[0]!)}` }),
  });
  const exported = await exportAll(logger, sessionId);
  return [
    of('first page', await page(() => ({})), 'ms'),
    of('page in the middle', await page((round) => ({ before: somewhere(round) })), 'ms'),
    of('page of one type', await page((round) => ({ before: somewhere(round), activityType: 'type_7' })), 'ms'),
    of('statistics', await timed(() => logger.getActivityStatistics(sessionId)), 'ms'),
    of('export', (many / exported.millis) * 1000, 'entries/s'),
    of('export, heap it holds', exported.megabytes, 'MB'),
  ];
}

export const bench: Bench = {
  title: 'Reading activity of one session, by its number of entries (pages of 100, median of 200)',
  run: (flags) =>
    withDatabase(async (pool) => {
      const measurements: Measurement[] = [];
      for (const many of flags.includes('--large') ? [...sizes, large] : sizes) {
        measurements.push(...(await measureSize(pool, many)));
      }
      return measurements;
    }),
};
