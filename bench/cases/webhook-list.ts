import type { Pool } from 'pg';
import { EndpointStore } from '../../lambdas/webhooks/endpoint-store.ts';
import { SecretBox } from '../../lambdas/webhooks/secret-box.ts';
import { mostCounted } from '../../protocol/webhooks.ts';
import { withDatabase } from '../database.ts';
import { type Bench, type Measurement, median, readable, timed } from '../measurement.ts';

const endpointCount = 50;
const rounds = 9;
/** How many deliveries of each endpoint wait, and as many are dead letters. The last is more than the list counts. No VACUUM runs before the lists. */
const sizes = [100, mostCounted, 40 * mostCounted];

/** Gives each endpoint so many deliveries of each state. The rows of the endpoints lie mixed in the table, as they do in use. */
async function fill(pool: Pool, many: number): Promise<void> {
  await pool.query('TRUNCATE webhook_deliveries');
  await pool.query(
    `INSERT INTO webhook_deliveries (endpoint_id, event_id, event_type, state, queued_at, next_attempt_at, finished_at)
     SELECT e.id, gen_random_uuid(), 'user.left', state, at, at, CASE WHEN state = 'dead' THEN at END
     FROM (SELECT now() - n * interval '1 second' AS at FROM generate_series(1, $1::int) n) times
       CROSS JOIN webhook_endpoints e CROSS JOIN unnest(ARRAY['pending', 'dead']) state`,
    [many],
  );
  await pool.query('ANALYZE webhook_deliveries');
}

export const bench: Bench = {
  title: `Listing ${endpointCount} webhook endpoints, by the number of deliveries that wait and of dead letters of each`,
  run: () =>
    withDatabase(async (pool) => {
      const store = new EndpointStore(pool, new SecretBox(async () => 'key'), Date.now);
      for (let n = 0; n < endpointCount; n += 1) {
        await store.add({ url: `https://receiver-${n}.example/`, description: '', events: ['user.left'] });
      }
      const measurements: Measurement[] = [];
      for (const many of sizes) {
        await fill(pool, many);
        const times: number[] = [];
        for (let n = 0; n < rounds; n += 1) times.push(await timed(() => store.list()));
        const what = (count: number) => `list, ${readable(count)} of each`;
        measurements.push({
          ...{ what: what(many), value: median(times), unit: 'ms' },
          ...(many === sizes[0] ? {} : { comparedWith: what(sizes[0]!) }),
        });
      }
      return measurements;
    }),
};
