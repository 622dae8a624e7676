import { readFile } from 'node:fs/promises';
import { readExport, type VerifyOptions, verifyTrail } from '../../client/verify/index.ts';
import { sentences, where } from './sentences.ts';

/**
 * Verifies an export without a server.
 *
 * @returns the exit code: 1 if something is broken.
 */
export async function verifyFile(file: string, options: VerifyOptions): Promise<number> {
  const verification = await verifyTrail(readExport(await readFile(file, 'utf8')), options);
  const { chains, faults, waiting, unchecked, renamed, proven } = verification;
  for (const fault of faults) console.log(`BROKEN  ${fault.sessionId}  ${where(fault)}${sentences[fault.fault]}`);
  const broken = new Set(faults.map(({ sessionId }) => sessionId));
  for (const { sessionId, links, first, last } of chains.filter((chain) => !broken.has(chain.sessionId))) {
    const before = first.sequence - 1;
    const range = `${links} entries sealed${before > 0 && options.isComplete ? ` after ${before} removed by retention` : ''}`;
    console.log(`ok      ${sessionId}  ${range}, head ${last.sequence}:${last.hash}`);
  }
  if (options.proofs) console.log(`Links that a signed checkpoint proves: ${proven}.`);
  if (waiting.length > 0) console.log(`Entries that have no link yet, so that nothing proves them: ${waiting.length}.`);
  if (unchecked.length > 0)
    console.log(`Entries that only somebody who sees the addresses can check: ${unchecked.length}.`);
  if (renamed.length > 0)
    console.log(`Entries that show a later name of their user than the sealed one: ${renamed.length}.`);
  console.log(broken.size === 0 ? 'The export is valid.' : `Broken chains: ${broken.size}.`);
  return broken.size === 0 ? 0 : 1;
}
