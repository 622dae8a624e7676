/**
 * `npx rollcall attendance <session>` writes the attendance of a session as CSV: the first and the last sign of each user, the
 * total time and the number of stays. `--from` and `--to` limit the period. It reads the database of `DATABASE_URL`, or of the
 * stack that runs on this machine.
 */
import { parseArgs } from 'node:util';
import { attendanceCsv } from '../lambdas/activity/activity-export.ts';
import { AttendanceReport } from '../lambdas/activity/attendance.ts';
import { withDatabase } from './audit/database.ts';
import { findSession } from './audit/find-session.ts';
import { parseTime } from './audit/parse-time.ts';

async function main(given: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: given,
    allowPositionals: true,
    options: { from: { type: 'string' }, to: { type: 'string' } },
  });
  const [session, ...more] = positionals;
  if (session === undefined || more.length > 0) {
    throw new Error('Name one session, such as "npx rollcall attendance SESSION-20260101-…".');
  }
  const now = Date.now();
  const from = values.from === undefined ? undefined : parseTime(values.from, now);
  const to = values.to === undefined ? now : parseTime(values.to, now);
  await withDatabase(async (pool) => {
    const sessionId = await findSession(pool, session);
    const report = new AttendanceReport(pool);
    let before: string | undefined;
    do {
      const { items, next } = await report.page(sessionId, { from, to, before }, now);
      process.stdout.write(attendanceCsv(items, before === undefined));
      before = next;
    } while (before !== undefined);
  });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message || (error as { code?: string }).code);
  process.exitCode = 2;
}
