import { type ChainFault, genesisHash } from '../../protocol/audit-chain.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import { type Found, findGaps, findHeads, findProven } from './expected-links.ts';
import { isLinked, isSealed, type LinkedItem, sealedName } from './link-hash.ts';
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
  /** For a link that is not the one that was signed or kept: no entry after the link with this number is proved. */
  after?: number;
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
  /** Ids of the entries that show a later name of their user. What was sealed is `link.sealed.username`. */
  renamed: string[];
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
  items = items.map(Object);
  const bySession = Map.groupBy(items, ({ sessionId }) => sessionId);
  const result: TrailVerification = {
    ...{ valid: true, faults: [], chains: [], waiting: [], unchecked: [], renamed: [], proven: 0 },
  };
  const moved = options.isComplete ? movedAmong(items) : new Set<ActivityItem>();
  const { heads: proven, forged } = await provenHeads(options.proofs ?? [], options.publicKeys ?? []);
  for (const { sessionId, sequence } of forged) {
    result.faults.push({ fault: 'proof_forged', sessionId, sequence, activityId: null });
  }
  for (const [sessionId, entries] of bySession) {
    const links = await verifySession(sessionId, entries, options, moved, result);
    const mine = proven.filter((head) => head.sessionId === sessionId);
    result.proven += findProven(mine, links, options, reporting(sessionId, result));
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

function reporting(sessionId: string, { faults }: TrailVerification): Found {
  return (fault, sequence, activityId, after) =>
    faults.push({ fault, sessionId, sequence, activityId, ...(after === undefined ? {} : { after }) });
}

async function verifySession(
  sessionId: string,
  entries: readonly ActivityItem[],
  options: VerifyOptions,
  moved: ReadonlySet<ActivityItem>,
  result: TrailVerification,
): Promise<LinkedItem[]> {
  const found = reporting(sessionId, result);
  const links = entries.filter(isLinked);
  links.sort((one, other) => one.link.sequence - other.link.sequence);
  const waiting = entries.filter(({ link }) => link === 'waiting');
  result.waiting.push(...waiting.map(({ id }) => id));
  if (options.isComplete) findGaps(entries, links, found);
  const sealed = await sealedOf(links);
  let before: LinkedItem | undefined;
  let whole = 0;
  for (const [index, entry] of links.entries()) {
    const { id, link } = entry;
    if (before && link.sequence === before.link.sequence) {
      found('entry_added', link.sequence, id);
      continue;
    }
    if (sealed[index] === undefined) result.unchecked.push(id);
    if (isReplaced(links, sealed, index)) found('entry_altered', link.sequence, id);
    else if (!follows(before, entry) && !isReplaced(links, sealed, index - 1)) found('link_moved', link.sequence, id);
    else if (sealed[index] === false) found('entry_altered', link.sequence, id);
    else if (moved.has(entry)) found('entry_moved', link.sequence, id);
    else if (sealed[index]) whole += 1;
    if (sealed[index] && sealedName(entry) !== entry.username) result.renamed.push(id);
    before = entry;
  }
  for (const entry of entries) if (!isLinked(entry) && entry.link !== 'waiting') found('entry_added', null, entry.id);
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

/** For each link whether its entry is what was sealed. No link of version 1 comes after one of version 2. */
async function sealedOf(links: readonly LinkedItem[]): Promise<(boolean | undefined)[]> {
  const sealed: (boolean | undefined)[] = [];
  let version = 1;
  for (const entry of links) {
    sealed.push((await isSealed(entry)) ?? (version > 1 ? false : undefined));
    version = Math.max(version, entry.link.version);
  }
  return sealed;
}

/** Whether a link may come after another one: it names its hash. Links between them may be missing. */
function follows(before: LinkedItem | undefined, { link }: LinkedItem): boolean {
  if (!before) return link.sequence !== 1 || link.previousHash === genesisHash;
  return link.sequence !== before.link.sequence + 1 || link.previousHash === before.link.hash;
}

/**
 * Whether a link that fits to its entry was computed again: the next link names another hash, and is right itself, also for
 * the link after it.
 */
function isReplaced(links: readonly LinkedItem[], sealed: readonly (boolean | undefined)[], index: number): boolean {
  const [entry, next, later] = links.slice(Math.max(0, index), index + 3);
  if (index < 0 || !entry || !next || follows(entry, next)) return false;
  return !!sealed[index] && !!sealed[index + 1] && (!later || follows(next, later));
}
