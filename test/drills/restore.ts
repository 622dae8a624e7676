import { execFile } from 'node:child_process';
import { chown, copyFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Pool, PoolClient } from 'pg';
import { drilledActivity } from './crowd.ts';
import type { Drill } from './drills.ts';
import { conclude } from './outcome.ts';
import type { Venue } from './venue.ts';

const run = promisify(execFile);

/** How long users act after the last copied piece of the log. RDS copies it every five minutes. */
const unarchivedMillis = 2000;

/**
 * PostgreSQL is lost with its storage. A second instance is made from a base backup and the copied write-ahead log, as a restore to
 * a point in time does, and takes its place. Meanwhile activities wait in the outbox.
 */
export const restore: Drill = async (venue, crowd, say) => {
  const copy = await venue.asOwner((pool) => backUp(venue, pool));
  say('took a base backup while users acted');
  await crowd.allConfirmed();
  await venue.asOwner((pool) => archiveLog(pool));
  say('the write-ahead log was copied for the last time');
  await pause(unarchivedMillis);
  // On a busy machine nothing may be written in that time.
  await crowd.allConfirmed();
  const failedAt = Date.now();
  // The gate is shut first. A function does not learn what PostgreSQL commits after that, so it writes to the outbox.
  await venue.gates.postgres.shut();
  const had = await venue.asOwner(drilledIn);
  await venue.kill(venue.postgres);
  await rm(venue.data, { recursive: true, force: true });
  say(`killed PostgreSQL and deleted its data, with ${had.size} activities`);
  const meanwhile = await crowd.allConfirmed();
  say(`activities are confirmed without PostgreSQL: they wait in the outbox (${meanwhile} ms)`);
  const sinceFailure = () => Date.now() - failedAt;
  const replace = async () => {
    venue.postgres = await venue.startPostgres(copy, { restore_command: `cp ${venue.archive}/%f %p` });
    const has = await venue.asOwner(drilledIn);
    const lost = new Set([...had].filter((id) => !has.has(id)));
    say(`the restored instance lacks ${lost.size} of them`);
    venue.gates.postgres.leadTo(venue.postgres.url);
    await venue.gates.postgres.open();
    return { lost, back: sinceFailure() };
  };
  const [{ lost, back }, joined] = await Promise.all([replace(), crowd.newcomer('newcomer').then(sinceFailure)]);
  const recovery = { 'the restored instance answers': back, 'joins work': joined };
  return conclude(venue, crowd, { recovery, failedAt, lost });
};

/** The ids of the activities of the drill that a PostgreSQL has. */
async function drilledIn(pool: Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM activity_log WHERE activity_type = '${drilledActivity}'`,
  );
  return new Set(rows.map(({ id }) => id));
}

/** Copies the data folder while the server runs, so that it can be recovered from the log. @returns the folder of the copy. */
async function backUp({ data, archive }: Venue, pool: Pool): Promise<string> {
  const copy = `${data}-restored`;
  const client: PoolClient = await pool.connect();
  try {
    await client.query(`SELECT pg_backup_start('drill', true)`);
    await run('cp', ['-a', data, copy]).catch((error: { stderr?: string }) => {
      // A file of the running server may go away while it is copied; the log has what it held.
      if (!/No such file/.test(error.stderr ?? '')) throw error;
    });
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)');
    const { uid, gid } = await stat(join(copy, 'PG_VERSION'));
    for (const [name, text] of [
      ['backup_label', rows[0]!.labelfile],
      ['recovery.signal', ''],
    ] as const) {
      await writeFile(join(copy, name), text);
      await chown(join(copy, name), uid, gid);
    }
  } finally {
    client.release();
  }
  await Promise.all(['postmaster.pid', 'postmaster.opts'].map((name) => rm(join(copy, name), { force: true })));
  // The log comes from the archive only.
  await run('sh', ['-c', `find "${copy}/pg_wal" -maxdepth 1 -type f -delete`]);
  await copyFile(`${data}.password`, `${copy}.password`);
  await stat(archive);
  return copy;
}

/** Lets PostgreSQL copy the log that it has written so far, and waits for it. */
async function archiveLog(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ file: string }>('SELECT pg_walfile_name(pg_switch_wal()) AS file');
  for (;;) {
    const done = await pool.query<{ last: string | null }>('SELECT last_archived_wal AS last FROM pg_stat_archiver');
    if ((done.rows[0]!.last ?? '') >= rows[0]!.file) return;
    await pause(20);
  }
}
