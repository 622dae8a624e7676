/**
 * Checkpoints of the audit trail: a signed list of the newest link of every chain that grew since the checkpoint before.
 * The list is the leaves of a Merkle tree as in RFC 6962, and the signature covers the root. So a user who has the small
 * signed part can check the head of any session with a short proof. These functions only build the texts that are hashed and
 * signed; the server, the command and the browser have their own SHA-256.
 */

/** The newest link of a chain when the checkpoint was made. */
export interface CheckpointHead {
  sessionId: string;
  sequence: number;
  /** SHA-256 in hex. */
  hash: string;
}

/** The signed part of a checkpoint. It names no session and no user, so it may be published. */
export interface Checkpoint {
  /** From 1, without gaps. */
  number: number;
  /** Unix milliseconds. */
  madeAt: number;
  /** The hash of the checkpoint before this one, in hex; 64 zeros for the first. */
  previousHash: string;
  /** How many chains grew since the checkpoint before. */
  heads: number;
  /** The root of the Merkle tree over the heads, in hex. */
  root: string;
  /** SHA-256 of `checkpointText`, in hex. */
  hash: string;
  /** ECDSA on P-256 with SHA-256 over `checkpointText`: `r` and `s`, 64 bytes in base64. */
  signature: string;
  /** The key that verifies the signature: SubjectPublicKeyInfo (DER) in base64. Compare it with the key that you trust. */
  publicKey: string;
}

/** Proves that a checkpoint contains the head of a session. */
export interface CheckpointProof extends CheckpointHead {
  /** The place of the head among the leaves, from 0. */
  index: number;
  /** The hashes in hex that lead from the leaf to the root, from the leaf on. */
  path: string[];
  checkpoint: Checkpoint;
}

/** The faults of a checkpoint. */
export type CheckpointFault =
  /** It is missing: a number is left out, or the series does not have a published checkpoint. */
  | 'checkpoint_missing'
  /** Its fields, its heads or its place do not fit to its hash, or it differs from the published one. */
  | 'checkpoint_altered'
  /** The signature is not one of a key that is trusted. */
  | 'checkpoint_unsigned'
  /** A chain does not have the link that the checkpoint saw. */
  | 'chain_replaced';

/** The text of a leaf. */
export function headText({ sessionId, sequence, hash }: CheckpointHead): string {
  return JSON.stringify(['rollcall-head-1', sessionId, String(sequence), hash]);
}

/** The text that is hashed and signed. This form is never changed; another form would begin with another string. */
export function checkpointText(
  checkpoint: Pick<Checkpoint, 'number' | 'madeAt' | 'previousHash' | 'heads' | 'root'>,
): string {
  const { number, madeAt, previousHash, heads, root } = checkpoint;
  const time = new Date(madeAt).toISOString();
  return JSON.stringify(['rollcall-checkpoint-1', String(number), time, previousHash, String(heads), root]);
}

/**
 * The way from a leaf to the root, one word for each level: the node of this level is `left` or `right` of the next hash of the
 * path, or it is `alone`, because it has no neighbour; then its parent has the same hash.
 */
export function climbOf(index: number, leaves: number): ('left' | 'right' | 'alone')[] {
  const climb: ('left' | 'right' | 'alone')[] = [];
  for (let [at, width] = [index, leaves]; width > 1; at = Math.floor(at / 2), width = Math.ceil(width / 2)) {
    if (at % 2 === 1) climb.push('right');
    else climb.push(at + 1 < width ? 'left' : 'alone');
  }
  return climb;
}
