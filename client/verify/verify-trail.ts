import type { ChainFault } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { isSealed, type LinkedItem } from './link-hash.ts';
import { movedAmong } from './moved-entries.ts';

/** Something that is wrong at one row. */
export interface TrailFault {
  fault: ChainFault;
  sessionId: string;
  /** The number of the link; null for an entry without one. */
  sequence: number | null;
  /** Null where the row itself is gone. */
  activityId: string | null;
}

/** The links of one session that were read. */
export interface VerifiedChain {
  sessionId: string;
  /** How many entries are what was sealed. */
  links: number;
  /** The first and the last link. */
  first: { sequence: number; previousHash: string };
  last: { sequence: number; hash: string };
}

export interface TrailVerification {
  valid: boolean;
  /** By session, and in each by the number of the link. */
  faults: TrailFault[];
  chains: VerifiedChain[];
  /** Ids of the entries that have no link yet: nothing proves them. */
  waiting: string[];
  /** Ids of the entries that only somebody who may see the addresses can check. */
  unchecked: string[];
}

export interface VerifyOptions {
  /**
   * Whether the entries are whole sessions, from the first link to the last. Without it, as for a page or a filtered export,
   * a missing entry is not a fault.
   */
  isComplete?: boolean;
  /** Heads that were kept elsewhere: each must be on its chain. */
  heads?: readonly { sessionId: string; sequence: number; hash: string }[];
}

/**
 * Verifies entries of the audit trail with nothing but their own content. It needs WebCrypto, which browsers have on https
 * and on localhost.
 *
 * @param items in any direction of time, of one session or of several.
 */
export async function verifyTrail(
  items: readonly ActivityItem[],
  options: VerifyOptions = {},
): Promise<TrailVerification> {
  const bySession = Map.groupBy(items, ({ sessionId }) => sessionId);
  const result: TrailVerification = { valid: true, faults: [], chains: [], waiting: [], unchecked: [] };
  const moved = options.isComplete ? movedAmong(items) : new Set<ActivityItem>();
  for (const [sessionId, entries] of bySession) await verifySession(sessionId, entries, options, moved, result);
  for (const { sessionId, sequence } of options.heads ?? []) {
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
): Promise<void> {
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
  if (!first || !last) return;
  result.chains.push({
    ...{ sessionId, links: whole },
    first: { sequence: first.link.sequence, previousHash: first.link.previousHash },
    last: { sequence: last.link.sequence, hash: last.link.hash },
  });
}

type Found = (fault: ChainFault, sequence: number | null, activityId: string | null) => void;

const isFirst = ({ link: { end } }: LinkedItem) => end === 'first' || end === 'only';
const isLast = ({ link: { end } }: LinkedItem) => end === 'last' || end === 'only';

/**
 * Finds the links that are missing in a whole session. The pages of an export are read one after the other: what waited on
 * one page may be sealed before the next page is read, which then has a later last link. So after a last link as many links
 * may be missing as entries wait.
 */
function findGaps(links: readonly LinkedItem[], waiting: number, found: Found): void {
  const [first, last] = [links[0], links.at(-1)];
  if (!first || !last) return;
  if (!isFirst(first)) found('link_missing', first.link.sequence - 1, null);
  let [isAfterLast, tolerated] = [false, waiting];
  for (const [index, entry] of links.entries()) {
    const next = links[index + 1];
    isAfterLast ||= isLast(entry);
    const missing = next ? next.link.sequence - entry.link.sequence - 1 : 0;
    if (missing <= 0) continue;
    if (isAfterLast && missing <= tolerated) tolerated -= missing;
    else found('link_missing', entry.link.sequence + 1, null);
  }
  if (!isAfterLast) found('link_missing', last.link.sequence + 1, null);
}

function findHeads(sessionId: string, links: LinkedItem[], { heads = [] }: VerifyOptions, found: Found): void {
  for (const head of heads.filter((one) => one.sessionId === sessionId)) {
    const at = links.find(({ link }) => link.sequence === head.sequence);
    if (!at) found('link_missing', head.sequence, null);
    else if (at.link.hash !== head.hash) found('link_moved', head.sequence, at.id);
  }
}
