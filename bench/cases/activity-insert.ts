import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import { withDatabase } from '../database.ts';
import { type Bench, type Measurement, median, timed } from '../measurement.ts';

const bulk = 20_000;
const single = 2000;
const turns = 3;
const copy = 'COPY into the same table';
const hundreds = 'INSERT 100 rows at a time';
const oneByOne = 'INSERT one row at a time';

interface Entry {
  sessionId: string;
  userId: string;
  type: string;
  details: Record<string, unknown>;
  ipAddress: string;
  userAgent: string;
}

function entries(many: number): Entry[] {
  const sessions = Array.from({ length: 50 }, () => randomUUID());
  const users = Array.from({ length: 500 }, () => randomUUID());
  return Array.from({ length: many }, (_, n) => ({
    sessionId: sessions[n % 50]!,
    userId: users[n % 500]!,
    type: `type_${n % 12}`,
    details: { commentId: `comment-${n}`, text: 'A comment of a usual length, as people write them all day.', n },
    ipAddress: '203.0.113.7',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  }));
}

/** The server reads a file. This is the upper limit of PostgreSQL, without network and tickets. */
async function copyIn(pool: Pool, rows: Entry[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-copy-'));
  try {
    const file = join(folder, 'rows.txt');
    const lines = rows.map((row) =>
      [
        randomUUID(),
        row.sessionId,
        row.userId,
        row.type,
        JSON.stringify(row.details),
        row.ipAddress,
        row.userAgent,
      ].join('\t'),
    );
    await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o644 });
    // The server runs as another account, so it must be able to read the file.
    await chmod(folder, 0o755);
    return await timed(() =>
      pool.query(
        `COPY activity_log (id, session_id, user_id, activity_type, details, ip_address, user_agent) FROM '${file}'`,
      ),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function insertOneByOne(pool: Pool, rows: Entry[]): Promise<number> {
  const text = `INSERT INTO activity_log (id, session_id, user_id, activity_type, details, ip_address, user_agent)
    VALUES ($1, $2, $3, $4, $5, $6, $7)`;
  return timed(async () => {
    for (const row of rows) {
      const values = [randomUUID(), row.sessionId, row.userId, row.type, row.details, row.ipAddress, row.userAgent];
      await pool.query({ name: 'one', text, values });
    }
  });
}

async function insertByHundreds(pool: Pool, rows: Entry[]): Promise<number> {
  const text = `INSERT INTO activity_log (id, session_id, user_id, activity_type, details, ip_address, user_agent)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::inet[], $7::text[])`;
  return timed(async () => {
    for (let start = 0; start < rows.length; start += 100) {
      const batch = rows.slice(start, start + 100);
      const values = [
        batch.map(() => randomUUID()),
        batch.map((row) => row.sessionId),
        batch.map((row) => row.userId),
        batch.map((row) => row.type),
        batch.map((row) => JSON.stringify(row.details)),
        batch.map((row) => row.ipAddress),
        batch.map((row) => row.userAgent),
      ];
      await pool.query({ name: 'hundred', text, values });
    }
  });
}

async function logEach(logger: ActivityLogger, rows: Entry[]): Promise<number> {
  return timed(async () => {
    for (const { sessionId, userId, type, details, ...context } of rows) {
      await logger.logActivity(sessionId, userId, type, details, context);
    }
  });
}

async function queueAll(logger: ActivityLogger, rows: Entry[]): Promise<number> {
  return timed(async () => {
    for (const row of rows) logger.queueActivity(row);
    await logger.flush();
  });
}

/** The variants alternate, so that a busy machine slows all of them equally. The result is the median turn. */
async function measure(pool: Pool): Promise<Measurement[]> {
  const logger = new ActivityLogger({ pool });
  const ways: [what: string, many: number, run: (rows: Entry[]) => Promise<number>, comparedWith?: string][] = [
    [copy, bulk, (rows) => copyIn(pool, rows)],
    [hundreds, bulk, (rows) => insertByHundreds(pool, rows), copy],
    ['queueActivity and flush', bulk, (rows) => queueAll(logger, rows), hundreds],
    [oneByOne, single, (rows) => insertOneByOne(pool, rows), copy],
    ['logActivity one at a time', single, (rows) => logEach(logger, rows), oneByOne],
    ['sealChains', bulk + single, () => timed(() => logger.sealChains(600_000)), copy],
  ];
  const rates = new Map(ways.map(([what]): [string, number[]] => [what, []]));
  for (let turn = 0; turn < turns; turn++) {
    for (const [what, many, run] of ways) rates.get(what)!.push((many / (await run(entries(many)))) * 1000);
  }
  return ways.map(([what, , , comparedWith]) => ({
    ...{ what, value: median(rates.get(what)!), unit: 'entries/s' },
    ...(comparedWith ? { comparedWith } : {}),
  }));
}

export const bench: Bench = {
  title: 'Writing activity (with its indexes and its ticket for the seal), against bare PostgreSQL',
  run: () => withDatabase(measure),
};
