/**
 * `npx rollcall at <session> <time> …` says who was in a session at each of these times, and why they left. `--json` writes
 * one line of JSON for each time. It reads the database of `DATABASE_URL`, or of the stack that runs on this machine.
 */
import { parseArgs } from 'node:util';
import { PresenceHistory } from '../lambdas/activity/presence-history.ts';
import type { Stay } from '../protocol/entities.ts';
import { withDatabase } from './audit/database.ts';
import { findSession } from './audit/find-session.ts';
import { parseTime } from './audit/parse-time.ts';

async function main(given: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: given,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [session, ...times] = positionals;
  if (session === undefined || times.length === 0) {
    throw new Error('Name a session and a time, such as "npx rollcall at SESSION-20260101-… 14:05".');
  }
  const moments = times.map((text) => parseTime(text, Date.now()));
  await withDatabase(async (pool) => {
    const sessionId = await findSession(pool, session);
    const history = new PresenceHistory(pool);
    for (const at of moments) {
      const stays = await history.whoWasHere(sessionId, at);
      console.log(values.json ? JSON.stringify({ sessionId, at, stays }) : sentences(at, stays));
    }
  });
}

function sentences(at: number, stays: readonly Stay[]): string {
  const heading = `${timeText(at)}  present: ${stays.length}`;
  return [heading, ...stays.map(sentence)].join('\n');
}

function sentence({ userId, username, role, joinedAt, leftAt, cause }: Stay): string {
  const who = `${username ?? 'unnamed'} (${role ?? 'no role'}, ${userId})`;
  const end = leftAt === null ? 'has not left' : `left ${timeText(leftAt)}: ${cause}`;
  return `  ${who}  joined ${timeText(joinedAt)}, ${end}`;
}

function timeText(time: number): string {
  return new Date(time).toISOString();
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message || (error as { code?: string }).code);
  process.exitCode = 2;
}
