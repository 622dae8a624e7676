import type { ChainFault } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { findGaps, findHeads, findProven } from './expected-links.ts';
import { isSealed, type LinkedItem } from './link-hash.ts';
import { movedAmong } from './moved-entries.ts';
import { provenHeads } from './verify-checkpoints.ts';
import type { VerifyOptions } from './verify-options.ts';

/** A fault of one row. */
export interface TrailFault {
  fault: ChainFault;
  sessionId: string;
  /** The number of the link; null for an entry without one. */
  sequence: number | null;
  /** Null if the row itself is missing. */
  activityId: string | null;
}

/** The links of one session that were read. */
export interface VerifiedChain {
  sessionId: string;
  /** How many entries equal what was sealed. */
  links: number;
  /** The first and the last link. */
  first: { sequence: number; previousHash: string };
  last: { sequence: number; hash: string };
}

/** The result of {@link verifyTrail}. */
export interface TrailVerification {
  valid: boolean;
  /** Sorted by session and then by the number of the link. */
  faults: TrailFault[];
  chains: VerifiedChain[];
  /** Ids of the entries that have no link yet and are therefore not proven. */
  waiting: string[];
  /** Ids of the entries that only a user who may see the addresses can check. */
  unchecked: string[];
  /** How many heads that a checkpoint proves are on their chains. */
  proven: number;
}

/**
 * Verifies entries of the audit trail, using only their content. It needs WebCrypto, which browsers have on https
 * and on localhost.
 *
 * @param items in ascending or descending order of time, of one or several sessions.
 */
export async function verifyTrail(
  items: readonly ActivityItem[],
  options: VerifyOptions = {},
): Promise<TrailVerification> {
  const bySession = Map.groupBy(items, ({ sessionId }) => sessionId);
  const result: TrailVerification = { valid: true, faults: [], chains: [], waiting: [], unchecked: [], proven: 0 };
  const moved = options.isComplete ? movedAmong(items) : new Set<ActivityItem>();
  const { heads: proven, forged } = await provenHeads(options.proofs ?? [], options.publicKeys ?? []);
  for (const { sessionId, sequence } of forged) {
    result.faults.push({ fault: 'proof_forged', sessionId, sequence, activityId: null });
  }
  for (const [sessionId, entries] of bySession) {
    const links = await verifySession(sessionId, entries, options, moved, result);
    const mine = proven.filter((head) => head.sessionId === sessionId);
    result.proven += findProven(mine, links, options, (fault, sequence, activityId) =>
      result.faults.push({ fault, sessionId, sequence, activityId }),
    );
  }
  const absent = options.isComplete ? proven : [];
  for (const { sessionId, sequence } of [...(options.heads ?? []), ...absent]) {
    if (!bySession.has(sessionId)) {
      result.faults.push({ fault: 'link_missing', sessionId, sequence, activityId: null });
    }
  }
  result.faults.sort(byRow);
  return { ...result, valid: result.faults.length === 0 };
}

/** By session, and in each by the number of the link; entries without a link come last. */
function byRow(one: TrailFault, other: TrailFault): number {
  if (one.sessionId !== other.sessionId) return one.sessionId < other.sessionId ? -1 : 1;
  return (one.sequence ?? Number.MAX_SAFE_INTEGER) - (other.sequence ?? Number.MAX_SAFE_INTEGER);
}

async function verifySession(
  sessionId: string,
  entries: readonly ActivityItem[],
  options: VerifyOptions,
  moved: ReadonlySet<ActivityItem>,
  result: TrailVerification,
): Promise<LinkedItem[]> {
  const found = (fault: ChainFault, sequence: number | null, activityId: string | null) =>
    result.faults.push({ fault, sessionId, sequence, activityId });
  const links = entries.filter((entry): entry is LinkedItem => typeof entry.link === 'object');
  links.sort((one, other) => one.link.sequence - other.link.sequence);
  const waiting = entries.filter(({ link }) => link === 'waiting');
  result.waiting.push(...waiting.map(({ id }) => id));
  if (options.isComplete) findGaps(links, waiting.length, found);
  let before: LinkedItem | undefined;
  let whole = 0;
  for (const entry of links) {
    const { sequence, previousHash } = entry.link;
    if (before && sequence === before.link.sequence) {
      found('entry_added', sequence, entry.id);
      continue;
    }
    const sealed = await isSealed(entry);
    if (sealed === undefined) result.unchecked.push(entry.id);
    if (before && sequence === before.link.sequence + 1 && previousHash !== before.link.hash) {
      found('link_moved', sequence, entry.id);
    } else if (sealed === false) found('entry_altered', sequence, entry.id);
    else if (moved.has(entry)) found('entry_moved', sequence, entry.id);
    else if (sealed) whole += 1;
    before = entry;
  }
  for (const { id, link } of entries) if (!link) found('entry_added', null, id);
  findHeads(sessionId, links, options, found);
  const [first, last] = [links[0], links.at(-1)];
  if (!first || !last) return links;
  result.chains.push({
    ...{ sessionId, links: whole },
    first: { sequence: first.link.sequence, previousHash: first.link.previousHash },
    last: { sequence: last.link.sequence, hash: last.link.hash },
  });
  return links;
}
