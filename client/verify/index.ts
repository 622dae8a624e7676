/**
 * Verifies the audit trail of Rollcall without a server: in a browser, in Node.js, from a page or from an export.
 *
 * @module verify
 */

export type { ActivityLink, ChainFault } from '../../protocol/audit-chain.ts';
export type { Checkpoint, CheckpointFault, CheckpointHead, CheckpointProof } from '../../protocol/audit-checkpoint.ts';
export type { ActivityItem } from '../../protocol/entities.ts';
export { readExport } from './read-export.ts';
export { type CheckpointOptions, type CheckpointProblem, verifyCheckpoints } from './verify-checkpoints.ts';
export type { VerifyOptions } from './verify-options.ts';
export {
  type TrailFault,
  type TrailVerification,
  type VerifiedChain,
  verifyTrail,
} from './verify-trail.ts';
