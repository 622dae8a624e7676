import type { CheckpointHead, CheckpointProof } from '../../protocol/audit-checkpoint.ts';

/** What the caller knows about the entries. */
export interface VerifyOptions {
  /**
   * Whether the entries are whole sessions, from the first link to the last. Without it, as for a page or a filtered export,
   * a missing entry is not a fault.
   */
  isComplete?: boolean;
  /** Heads that were kept elsewhere: each must be on its chain. */
  heads?: readonly CheckpointHead[];
  /** Proofs of `GET /sessions/{id}/checkpoints`: each link that a checkpoint saw must be on the chain. */
  proofs?: readonly CheckpointProof[];
  /** The keys that you trust, as SubjectPublicKeyInfo in base64. A proof that none of them signed is a fault. */
  publicKeys?: readonly string[];
}
