/**
 * `npm run audit:verify [-- session-id …]`: verifies the hash chains of the audit trail in the database, for all sessions or
 * the named ones. `npm run audit:verify -- --file export.csv` verifies an export (CSV, JSON or NDJSON) without any server;
 * with `--part` the export need not be whole, and `--head session-id:sequence:hash` names a head that was kept. The exit code is 1 if a chain is broken, and the output names its first broken link. The exit code is 2 if the
 * check itself failed.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Pool, type PoolConfig } from 'pg';
import { readExport, type VerifyOptions, verifyTrail } from '../client/verify/index.ts';
import { type BrokenLink, type ChainVerification, ChainVerifier } from '../lambdas/activity/chain-verifier.ts';

const sentences = {
  entry_altered: 'was changed after it was written',
  entry_missing: 'was deleted',
  entry_added: 'was not written by Rollcall',
  entry_moved: 'stands at another place',
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
  return `BROKEN  ${sessionId}  ${where(broken)}${sentences[broken.fault]}`;
}

function where({ sequence, activityId }: Pick<BrokenLink, 'sequence' | 'activityId'>): string {
  return `${sequence === null ? '' : `link ${sequence} `}${activityId === null ? '' : `(entry ${activityId}) `}`;
}

async function main(given: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: given,
    allowPositionals: true,
    options: { file: { type: 'string' }, part: { type: 'boolean' }, head: { type: 'string', multiple: true } },
  });
  return values.file === undefined
    ? verifyDatabase(positionals)
    : verifyFile(values.file, { isComplete: !values.part, heads: (values.head ?? []).map(headOf) });
}

function headOf(text: string): { sessionId: string; sequence: number; hash: string } {
  const [sessionId, sequence, hash] = text.toLowerCase().split(':');
  if (sessionId && Number(sequence) > 0 && hash) return { sessionId, sequence: Number(sequence), hash };
  throw new Error(`The head "${text}" has another form than session-id:sequence:hash; copy it from an earlier check.`);
}

async function verifyFile(file: string, options: VerifyOptions): Promise<number> {
  const { chains, faults, waiting, unchecked } = await verifyTrail(readExport(await readFile(file, 'utf8')), options);
  for (const fault of faults) console.log(`BROKEN  ${fault.sessionId}  ${where(fault)}${sentences[fault.fault]}`);
  const broken = new Set(faults.map(({ sessionId }) => sessionId));
  for (const { sessionId, links, last } of chains.filter((chain) => !broken.has(chain.sessionId))) {
    console.log(`ok      ${sessionId}  ${links} entries sealed, head ${last.sequence}:${last.hash}`);
  }
  if (waiting.length > 0) console.log(`Entries that have no link yet, so that nothing proves them: ${waiting.length}.`);
  if (unchecked.length > 0)
    console.log(`Entries that only somebody who sees the addresses can check: ${unchecked.length}.`);
  console.log(broken.size === 0 ? 'The export is valid.' : `Broken chains: ${broken.size}.`);
  return broken.size === 0 ? 0 : 1;
}

async function verifyDatabase(sessionIds: string[]): Promise<number> {
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
