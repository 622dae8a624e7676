/**
 * `npm run audit:verify [-- session-id …]`: checks the hash chains of the audit trail, of all sessions or of those named.
 * Ends with 1 and names the first broken link of each chain that does not hold; with 2 where it could not check.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool, type PoolConfig } from 'pg';
import { type ChainVerification, ChainVerifier } from '../lambdas/activity/chain-verifier.ts';

const faults = {
  entry_altered: 'was changed after it was written',
  entry_missing: 'is gone',
  entry_added: 'was not written by Rollcall',
  link_missing: 'is missing',
  link_moved: 'does not follow the link before it',
};

/**
 * `DATABASE_URL`, or the database of the stack that runs on this machine. That one speaks no TLS, so a `PGSSLMODE` of the
 * shell, which is meant for other servers, does not count for it.
 */
async function database(): Promise<Pick<PoolConfig, 'connectionString' | 'ssl'>> {
  const given = process.env['DATABASE_URL'];
  if (given) return { connectionString: given };
  const file = join(process.env['ROLLCALL_DATA_DIR'] || '.rollcall', 'endpoints.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new Error(`There is no ${file}: start Rollcall with "npm start", or set DATABASE_URL to its database.`);
  }
  return { connectionString: (JSON.parse(text) as { postgres: string }).postgres, ssl: false };
}

function sentence({ sessionId, links, unsealed, anchorSequence, head, broken }: ChainVerification): string {
  if (!broken) {
    const range = `${links} entries sealed${anchorSequence > 0 ? ` after ${anchorSequence} past their retention` : ''}`;
    return `ok      ${sessionId}  ${range}, ${unsealed} waiting, head ${head.sequence}:${head.hash}`;
  }
  const link = broken.sequence === null ? '' : `link ${broken.sequence} `;
  const entry = broken.activityId === null ? '' : `(entry ${broken.activityId}) `;
  return `BROKEN  ${sessionId}  ${link}${entry}${faults[broken.fault]}`;
}

async function main(sessionIds: string[]): Promise<number> {
  const pool = new Pool({ ...(await database()), max: 2, connectionTimeoutMillis: 5000 });
  try {
    const verifier = new ChainVerifier(pool);
    let brokenChains = 0;
    for (const sessionId of sessionIds.length > 0 ? sessionIds : await verifier.sessionIds()) {
      const verification = await verifier.verify(sessionId);
      if (!verification.valid) brokenChains += 1;
      console.log(sentence(verification));
    }
    console.log(brokenChains === 0 ? 'Every chain holds.' : `Chains that do not hold: ${brokenChains}.`);
    return brokenChains === 0 ? 0 : 1;
  } finally {
    await pool.end();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(
    `The audit trail could not be checked: ${(error as Error).message || (error as { code?: string }).code}`,
  );
  process.exitCode = 2;
}
