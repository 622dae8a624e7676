/**
 * `npm run scale` counts the loads of `docs/scale.md` by the product's own scripts in a Redis that it starts, and writes the tables of that
 * page and its plots. What was counted is kept in `scripts/scale/counted.json`.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { startRedis } from '../local/backing/redis.ts';
import { countLoads } from './scale/loads.ts';
import { scalePlots, scaleTables, withTables } from './scale/pages.ts';

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

async function main(): Promise<void> {
  const own = process.env['REDIS_URL'] ? undefined : await startRedis();
  const redis = new Redis(process.env['REDIS_URL'] ?? own!.url);
  try {
    const loads = await countLoads(redis);
    await writeFile(file('scripts/scale/counted.json'), `${JSON.stringify(loads, undefined, 2)}\n`);
    const page = await readFile(file('docs/scale.md'), 'utf8');
    await writeFile(file('docs/scale.md'), withTables(page, scaleTables(loads)));
    for (const [name, svg] of Object.entries(scalePlots(loads))) await writeFile(file(`docs/images/${name}`), svg);
  } finally {
    redis.disconnect();
    await own?.server.stop('SIGTERM');
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
