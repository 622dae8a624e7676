import type { Pool } from 'pg';
import { type ChainVerification, ChainVerifier } from '../../lambdas/activity/chain-verifier.ts';
import { readTimings } from '../../protocol/timings.ts';
import { withDatabase } from './database.ts';
import { sentences, where } from './sentences.ts';
import { type CheckpointSettings, checkCheckpoints } from './verify-checkpoints.ts';

/**
 * Verifies the chains of the database, of all sessions or of some, and all checkpoints.
 *
 * @returns the exit code: 1 if something is broken.
 */
export async function verifyDatabase(
  sessionIds: string[],
  settings: Pick<CheckpointSettings, 'publicKeys' | 'published'>,
): Promise<number> {
  return withDatabase(async (pool) => {
    const brokenChains = await verifyChains(pool, sessionIds);
    const brokenCheckpoints = await verifyCheckpoints(pool, settings);
    console.log(brokenChains === 0 ? 'All chains are valid.' : `Broken chains: ${brokenChains}.`);
    return brokenChains + brokenCheckpoints === 0 ? 0 : 1;
  });
}

async function verifyChains(pool: Pool, sessionIds: string[]): Promise<number> {
  const verifier = new ChainVerifier(pool);
  let broken = 0;
  for (const sessionId of sessionIds.length > 0 ? sessionIds : await verifier.sessionIds()) {
    const verification = await verifier.verify(sessionId);
    if (!verification.valid) broken += 1;
    console.log(sentence(verification));
  }
  return broken;
}

function sentence({ sessionId, links, unsealed, anchorSequence, head, broken }: ChainVerification): string {
  if (!broken) {
    const range = `${links} entries sealed${anchorSequence > 0 ? ` after ${anchorSequence} removed by retention` : ''}`;
    return `ok      ${sessionId}  ${range}, ${unsealed} waiting, head ${head.sequence}:${head.hash}`;
  }
  return `BROKEN  ${sessionId}  ${where(broken)}${sentences[broken.fault]}`;
}

const checkpointSentences = {
  checkpoint_missing: 'is missing',
  checkpoint_altered: 'was changed after it was made',
  checkpoint_unsigned: 'has no signature of a trusted key',
  chain_replaced: 'saw a link that is not on the chain',
  heads_missing: 'has lost its heads',
  shortened_early: 'was removed before the retention of its entries ended',
  newest_missing: 'is missing, although there are entries that are older than two days and in none',
};

/** @returns how many faults there are. */
async function verifyCheckpoints(
  pool: Pool,
  settings: Pick<CheckpointSettings, 'publicKeys' | 'published'>,
): Promise<number> {
  const now = Date.now();
  const retentionBegins = now - readTimings(process.env).activityRetentionMillis;
  const { faults, checkpoints, last, keys } = await checkCheckpoints(pool, { ...settings, retentionBegins, now });
  for (const { fault, number, sessionId } of faults) {
    const part = fault === 'shortened_early' ? 'the beginning' : 'the last checkpoint';
    const ofAll = sessionId === undefined ? 'the newest checkpoint' : `${part} of this chain`;
    const subject = number === null ? ofAll : `checkpoint ${number}`;
    console.log(`BROKEN  ${sessionId ?? 'checkpoints'}  ${subject} ${checkpointSentences[fault]}`);
  }
  if (faults.some(({ fault }) => fault === 'shortened_early' || fault === 'heads_missing')) {
    console.log(
      'Set ACTIVITY_RETENTION_DAYS to the days for which this service keeps its entries, and run the check again.',
    );
  }
  if (faults.some(({ fault }) => fault === 'newest_missing')) {
    console.log(
      'The clean-up has not made checkpoints since then, entries came late from the outbox, or somebody deleted checkpoints: see whether the clean-up runs, and compare with --published.',
    );
  }
  const newest = last && `number ${last.number} of ${new Date(last.madeAt).toISOString()}`;
  console.log(newest ? `The newest checkpoint is ${newest}.` : 'There is no checkpoint.');
  if (last && faults.length === 0) {
    console.log(`ok      checkpoints  ${checkpoints} signed, last ${last.number}:${last.hash}`);
  }
  for (const key of keys) console.log(`Checkpoints are signed with the key ${key}.`);
  return faults.length;
}
