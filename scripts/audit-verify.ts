/**
 * `npm run audit:verify [-- session-id …]`: verifies the hash chains of the audit trail, for all sessions or the named
 * ones. The exit code is 1 if a chain is broken, and the output names its first broken link. The exit code is 2 if the
 * check itself failed.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool, type PoolConfig } from 'pg';
import { type ChainVerification, ChainVerifier } from '../lambdas/activity/chain-verifier.ts';

const faults = {
  entry_altered: 'was changed after it was written',
  entry_missing: 'was deleted',
  entry_added: 'was not written by Rollcall',
  link_missing: 'is missing',
  link_moved: 'does not follow the link before it',
};

/**
 * Connection settings from `DATABASE_URL`, or of the local stack. The local PostgreSQL has no TLS, so `ssl: false`
 * overrides a `PGSSLMODE` of the shell, which is meant for other servers.
 */
async function database(): Promise<Pick<PoolConfig, 'connectionString' | 'ssl'>> {
  const given = process.env['DATABASE_URL'];
  if (given) return { connectionString: given };
  const file = join(process.env['ROLLCALL_DATA_DIR'] || '.rollcall', 'endpoints.json');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new Error(
      `The file ${file} does not exist; start Rollcall with "npm start", or set DATABASE_URL to its database.`,
    );
  }
  return { connectionString: (JSON.parse(text) as { postgres: string }).postgres, ssl: false };
}

function sentence({ sessionId, links, unsealed, anchorSequence, head, broken }: ChainVerification): string {
  if (!broken) {
    const range = `${links} entries sealed${anchorSequence > 0 ? ` after ${anchorSequence} removed by retention` : ''}`;
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
    console.log(brokenChains === 0 ? 'All chains are valid.' : `Broken chains: ${brokenChains}.`);
    return brokenChains === 0 ? 0 : 1;
  } finally {
    await pool.end();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(
    `The audit trail could not be verified: ${(error as Error).message || (error as { code?: string }).code}`,
  );
  process.exitCode = 2;
}
