/**
 * `npm run audit:verify [-- session-id …]` verifies the hash chains of the audit trail in the database, of all sessions or
 * the named ones, and the checkpoints. `--published checkpoints.json` compares them with those that were kept elsewhere.
 *
 * `npm run audit:verify -- --file export.csv` verifies an export (CSV, JSON or NDJSON) without any server. With `--part` the
 * export may be incomplete. `--head session-id:sequence:hash` is a head that was kept elsewhere, and `--proofs proofs.json` gives
 * the proofs of the session.
 *
 * `--key key.pem` names the key that you trust. The exit code is 1 if something is broken; the output names the first broken
 * link. The exit code is 2 if the check itself failed.
 */
import { parseArgs } from 'node:util';
import type { VerifyOptions } from '../client/verify/index.ts';
import { readCheckpoints, readProofs, readPublicKey } from './audit/read-checkpoints.ts';
import { verifyDatabase } from './audit/verify-database.ts';
import { verifyFile } from './audit/verify-file.ts';

const options = {
  file: { type: 'string' },
  part: { type: 'boolean' },
  head: { type: 'string', multiple: true },
  proofs: { type: 'string' },
  published: { type: 'string', multiple: true },
  key: { type: 'string', multiple: true },
} as const;

async function main(given: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: given, allowPositionals: true, options });
  const publicKeys = await Promise.all((values.key ?? []).map(readPublicKey));
  if (values.file === undefined) {
    if (values.proofs !== undefined) throw new Error('Proofs belong to an export; name it with --file.');
    const published = await Promise.all((values.published ?? []).map(readCheckpoints));
    return verifyDatabase(positionals, { publicKeys, published: published.flat() });
  }
  if (values.proofs !== undefined && publicKeys.length === 0) {
    throw new Error('Proofs need the key that you trust; name its file with --key.');
  }
  const heads = (values.head ?? []).map(headOf);
  const proofs = values.proofs === undefined ? undefined : await readProofs(values.proofs);
  return verifyFile(values.file, { isComplete: !values.part, heads, publicKeys, ...(proofs && { proofs }) });
}

function headOf(text: string): NonNullable<VerifyOptions['heads']>[number] {
  const [sessionId, sequence, hash] = text.toLowerCase().split(':');
  if (sessionId && /^[1-9]\d*$/.test(sequence ?? '') && hash) return { sessionId, sequence: Number(sequence), hash };
  throw new Error(`The head "${text}" has another form than session-id:sequence:hash; copy it from an earlier check.`);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(
    `The audit trail could not be verified: ${(error as Error).message || (error as { code?: string }).code}`,
  );
  process.exitCode = 2;
}
