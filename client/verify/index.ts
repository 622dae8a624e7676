/** Verifies the audit trail of Rollcall without a server: in a browser, in Node.js, from a page or from an export. */

export type { ActivityLink, ChainFault } from '../../protocol/audit-chain.ts';
export type { ActivityItem } from '../../protocol/entities.ts';
export { readExport } from './read-export.ts';
export {
  type TrailFault,
  type TrailVerification,
  type VerifiedChain,
  type VerifyOptions,
  verifyTrail,
} from './verify-trail.ts';
