import type { ChainFault } from '../../protocol/audit-chain.ts';
import type { CheckpointHead } from '../../protocol/audit-checkpoint.ts';
import type { ActivityItem } from '../../protocol/entities.ts';
import type { LinkedItem } from './link-hash.ts';
import type { VerifyOptions } from './verify-options.ts';

/** Reports a fault at a link. @param after the last link before it that is proved, if the links between are not. */
export type Found = (fault: ChainFault, sequence: number | null, activityId: string | null, after?: number) => void;

const isFirst = ({ link: { end } }: LinkedItem) => end === 'first' || end === 'only';
const isLast = ({ link: { end } }: LinkedItem) => end === 'last' || end === 'only';

/**
 * Finds the links that are missing in a whole session. All pages of one session show the chain of the moment of the first page. Those
 * of several sessions do not: entries that waited on one page may be sealed before the next page is read, which then has a later last
 * link. So a link may be missing if an entry waits instead. Both this entry and the last link of that time stand before the next
 * link, because they were read before it.
 *
 * @param entries in the order in which they were read. @param links of these, by their numbers.
 */
export function findGaps(entries: readonly ActivityItem[], links: readonly LinkedItem[], found: Found): void {
  const [first, last] = [links[0], links.at(-1)];
  if (!first || !last) return;
  if (!isFirst(first)) found('link_missing', first.link.sequence - 1, null);
  const places = new Map(entries.map((entry, place) => [entry, place]));
  const waiting = entries.filter(({ link }) => link === 'waiting').map((entry) => places.get(entry)!);
  let [lastReadAt, tolerated] = [Number.POSITIVE_INFINITY, 0];
  for (const [index, entry] of links.entries()) {
    if (isLast(entry)) lastReadAt = Math.min(lastReadAt, places.get(entry)!);
    const next = links[index + 1];
    const missing = next ? next.link.sequence - entry.link.sequence - 1 : 0;
    if (!next || missing <= 0) continue;
    const readAt = places.get(next)!;
    tolerated += missing;
    if (lastReadAt < readAt && tolerated <= waiting.filter((place) => place < readAt).length) continue;
    tolerated -= missing;
    found('link_missing', entry.link.sequence + 1, null);
  }
  if (lastReadAt > entries.length) found('link_missing', last.link.sequence + 1, null);
}

/** Looks for heads that were kept elsewhere. */
export function findHeads(sessionId: string, links: LinkedItem[], { heads = [] }: VerifyOptions, found: Found): void {
  let proved = 0;
  for (const { sequence, hash } of byNumber(heads.filter((one) => one.sessionId === sessionId))) {
    const at = links.find(({ link }) => link.sequence === sequence);
    if (!at) found('link_missing', sequence, null);
    else if (at.link.hash === hash) proved = sequence;
    else found('link_moved', sequence, at.id, proved);
  }
}

const byNumber = (heads: readonly CheckpointHead[]) => heads.toSorted((one, other) => one.sequence - other.sequence);

/**
 * Looks for the heads that checkpoints prove. Retention may have removed the links before the first one, and a part of a
 * trail has only some links.
 *
 * @returns how many are on the chain.
 */
export function findProven(
  heads: readonly CheckpointHead[],
  links: readonly LinkedItem[],
  { isComplete = false }: VerifyOptions,
  found: Found,
): number {
  const [first, last] = [links[0]?.link, links.at(-1)?.link];
  let [proven, proved] = [0, 0];
  for (const { sequence, hash } of byNumber(heads)) {
    const at = links.find(({ link }) => link.sequence === sequence);
    const known = at?.link.hash ?? (first?.sequence === sequence + 1 ? first.previousHash : undefined);
    if (known === hash) [proven, proved] = [proven + 1, sequence];
    else if (known !== undefined) found('link_moved', sequence, at?.id ?? null, proved);
    else if (isComplete && sequence > (last?.sequence ?? 0)) found('link_missing', sequence, null);
  }
  return proven;
}
