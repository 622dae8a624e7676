import { createHash } from 'node:crypto';
import type { Pool } from 'pg';
import {
  type Checkpoint,
  type CheckpointFault,
  type CheckpointHead,
  verifyCheckpoints,
} from '../../client/verify/index.ts';
import { checkpointColumns } from '../../lambdas/activity/checkpoint-reader.ts';
import { merkleTree } from '../../lambdas/activity/merkle-tree.ts';
import { headText } from '../../protocol/audit-checkpoint.ts';

export interface CheckpointSettings {
  /** The keys that the user trusts, in base64. Without any, each checkpoint is checked with the key that it names. */
  publicKeys: readonly string[];
  published: readonly Checkpoint[];
  /** Heads of checkpoints from before this time may be gone; Unix milliseconds. */
  retentionBegins: number;
  /** Unix milliseconds. */
  now: number;
}

export interface FoundFault {
  fault: CheckpointFault | 'heads_missing' | 'shortened_early' | 'newest_missing';
  /**
   * The number of the checkpoint; null for a fault of the chain (it claims one that does not exist, or was shortened early), and if the
   * newest ones are missing.
   */
  number: number | null;
  sessionId?: string;
}

export interface CheckpointReport {
  faults: FoundFault[];
  checkpoints: number;
  last: Checkpoint | undefined;
  /** SHA-256 of each key that signed, in hex. */
  keys: string[];
}

type StoredHead = CheckpointHead & { isOnChain: boolean };

/** Checks all checkpoints of the database, and every chain against the links that they saw. */
export async function checkCheckpoints(pool: Pool, settings: CheckpointSettings): Promise<CheckpointReport> {
  const { rows } = await pool.query<Checkpoint>(
    `SELECT ${checkpointColumns} FROM activity_checkpoints k ORDER BY k.number`,
  );
  const signers = [...new Set(rows.map(({ publicKey }) => publicKey))];
  const publicKeys = settings.publicKeys.length > 0 ? settings.publicKeys : signers;
  const { published } = settings;
  const faults: FoundFault[] = await verifyCheckpoints(rows, { publicKeys, published, isComplete: true });
  for (const checkpoint of rows) faults.push(...(await headFaults(pool, checkpoint, settings.retentionBegins)));
  faults.push(...(await lostCheckpoints(pool)));
  faults.push(...(await shortenedEarly(pool, rows, settings.retentionBegins)));
  if (settings.publicKeys.length > 0) faults.push(...(await newestMissing(pool, rows.at(-1), settings.now)));
  return { faults, checkpoints: rows.length, last: rows.at(-1), keys: signers.map(fingerprint) };
}

function fingerprint(publicKey: string): string {
  return createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex');
}

async function headFaults(pool: Pool, checkpoint: Checkpoint, retentionBegins: number): Promise<FoundFault[]> {
  const { number, madeAt, root } = checkpoint;
  const { rows } = await pool.query<StoredHead>(
    `SELECT h.session_id AS "sessionId", h.sequence::float8 AS sequence, encode(h.hash, 'hex') AS hash,
       c.session_id IS NOT NULL AND CASE
         WHEN h.sequence > c.anchor_sequence THEN s.hash IS NOT DISTINCT FROM h.hash
         WHEN h.sequence = c.anchor_sequence THEN c.anchor_hash = h.hash
         ELSE true END AS "isOnChain"
     FROM activity_checkpoint_heads h
     LEFT JOIN activity_chains c ON c.session_id = h.session_id
     LEFT JOIN activity_seals s ON s.session_id = h.session_id AND s.sequence = h.sequence
     WHERE h.number = $1 ORDER BY h.leaf`,
    [number],
  );
  if (rows.length === 0) return madeAt < retentionBegins ? [] : [{ fault: 'heads_missing', number }];
  if (merkleTree(rows.map(headText)).root.toString('hex') !== root) return [{ fault: 'checkpoint_altered', number }];
  return rows
    .filter(({ isOnChain }) => !isOnChain)
    .map(({ sessionId }) => ({ fault: 'chain_replaced', number, sessionId }));
}

/** Chains whose checkpoint is missing. */
async function lostCheckpoints(pool: Pool): Promise<FoundFault[]> {
  const { rows } = await pool.query<{ sessionId: string }>(
    `SELECT c.session_id AS "sessionId" FROM activity_chains c
     WHERE c.checkpointed_sequence > greatest(c.anchor_sequence, (
       SELECT max(h.sequence) FROM activity_checkpoint_heads h JOIN activity_checkpoints k ON k.number = h.number
       WHERE h.session_id = c.session_id))
     ORDER BY c.session_id`,
  );
  return rows.map(({ sessionId }) => ({ fault: 'checkpoint_missing', number: null, sessionId }));
}

const dayMillis = 86_400_000;
/** A link that is older has a checkpoint if the clean-up runs. */
const mostMillisWithout = 2 * dayMillis;

/**
 * Links that should have a checkpoint by now, if the newest checkpoint is old. Either the clean-up made none, or the newest ones were
 * deleted. Nothing else in the database shows this, because a checkpoint names only the one before it.
 */
async function newestMissing(pool: Pool, newest: Checkpoint | undefined, now: number): Promise<FoundFault[]> {
  const since = now - mostMillisWithout;
  if (newest && newest.madeAt >= since) return [];
  const { rows } = await pool.query(
    `SELECT FROM activity_chains c
     JOIN activity_seals s ON s.session_id = c.session_id
       AND s.sequence = greatest(c.checkpointed_sequence, c.anchor_sequence) + 1
     JOIN activity_log a ON a.id = s.activity_id
     WHERE a.created_at < to_timestamp($1::float8 / 1000) LIMIT 1`,
    [since],
  );
  return rows.map(() => ({ fault: 'newest_missing', number: null }));
}

/** An entry may have waited so long in the outbox that its link is younger than the entry. */
const mostWaitMillis = 7 * dayMillis;
/** A checkpoint with so many heads may have left chains out. */
const fullHeads = 10_000;

/**
 * Chains that lost links whose entries were still to be kept: the last removed link was not there yet when a younger checkpoint
 * was made.
 */
async function shortenedEarly(
  pool: Pool,
  checkpoints: readonly Checkpoint[],
  retentionBegins: number,
): Promise<FoundFault[]> {
  const { rows } = await pool.query<{ sessionId: string; before: number | null; first: number | null }>(
    `SELECT c.session_id AS "sessionId",
       max(h.number) FILTER (WHERE h.sequence < c.anchor_sequence)::float8 AS before, min(h.number)::float8 AS first
     FROM activity_chains c JOIN activity_checkpoint_heads h ON h.session_id = c.session_id
     WHERE c.anchor_sequence > 0 GROUP BY c.session_id ORDER BY c.session_id`,
  );
  const byNumber = new Map(checkpoints.map((checkpoint) => [checkpoint.number, checkpoint]));
  return rows.flatMap(({ sessionId, before, first }) => {
    const without = before === null ? dayBefore(checkpoints, byNumber.get(first!)) : byNumber.get(before);
    const isEarly = without && without.madeAt >= retentionBegins + mostWaitMillis;
    return isEarly ? [{ fault: 'shortened_early' as const, number: null, sessionId }] : [];
  });
}

/** The last checkpoint of an earlier day, which had all chains that had grown by then; undefined if it may lack some. */
function dayBefore(checkpoints: readonly Checkpoint[], later: Checkpoint | undefined): Checkpoint | undefined {
  if (!later) return undefined;
  const day = Math.floor(later.madeAt / dayMillis);
  const last = checkpoints.findLast(({ madeAt }) => Math.floor(madeAt / dayMillis) < day);
  return last && last.heads < fullHeads ? last : undefined;
}
