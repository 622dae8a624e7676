import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { withDatabase } from '../database.ts';
import { heapInUse } from '../heap.ts';
import { type Bench, type Measurement, readable, timed } from '../measurement.ts';

const sizes = [1000, 1_000_000];
const pageItems = 1000;
/** Collecting garbage costs more than a page, so memory is read only sometimes. */
const pagesPerLook = 20;

async function fill(pool: Pool, sessionId: string, many: number): Promise<void> {
  await pool.query(
    `INSERT INTO activity_log (session_id, user_id, activity_type, details, created_at)
     SELECT $1, md5((n % 40)::text)::uuid, 'type_' || n % 12, jsonb_build_object('n', n, 'text', repeat('x', 80)),
       now() - n * interval '100 milliseconds' FROM generate_series(1, $2::int) n`,
    [sessionId, many],
  );
  await pool.query('ANALYZE activity_log');
}

/**
 * Reads a whole audit trail as a client of the HTTP API does: page by page, each from the cursor of the previous page.
 */
async function readAll(pool: Pool, many: number): Promise<Measurement[]> {
  const { exportPage } = await import('../../lambdas/adapters/http/export-activity.ts');
  const { services } = await import('../../lambdas/composition/services.ts');
  const sessionId = randomUUID();
  await fill(pool, sessionId, many);
  const query = { format: 'csv', limit: String(pageItems) };
  await exportPage(services, sessionId, '/', query);
  const before = heapInUse();
  let [most, pages, lines] = [before, 0, 0];
  const millis = await timed(async () => {
    for (let place: string | undefined, more = true; more; ) {
      const { body, headers } = await exportPage(services, sessionId, '/', { ...query, before: place });
      lines += String(body).split('\r\n').length - 1;
      if (pages++ % pagesPerLook === 0) most = Math.max(most, heapInUse());
      place = headers?.['x-next'];
      more = place !== undefined;
    }
  });
  if (lines !== many + 1) throw new Error(`The export has ${lines} lines; ${many + 1} were expected.`);
  const of = (what: string, value: number, unit: string): Measurement => ({
    ...{ what: `${what}, ${readable(many)} entries`, value, unit },
    ...(many === sizes[0] ? {} : { comparedWith: `${what}, ${readable(sizes[0]!)} entries` }),
  });
  // A ratio to a value near zero has no meaning.
  const { comparedWith: _, ...held } = of('heap it holds', most - before, 'MB');
  return [of('speed', (many / millis) * 1000, 'entries/s'), held];
}

export const bench: Bench = {
  title: 'Exporting a trail over HTTP, page by page, by its number of entries',
  run: () =>
    withDatabase(async (pool) => {
      process.env['DATABASE_URL'] = pool.options.connectionString;
      const measurements: Measurement[] = [];
      for (const many of sizes) measurements.push(...(await readAll(pool, many)));
      const { database } = await import('../../lambdas/platform/database.ts');
      await database().end();
      return measurements;
    }),
};
