import type { ChainFault } from '../../protocol/audit-chain.ts';
import type { CheckpointHead } from '../../protocol/audit-checkpoint.ts';
import type { LinkedItem } from './link-hash.ts';
import type { VerifyOptions } from './verify-options.ts';

/** Reports a fault at a link. */
export type Found = (fault: ChainFault, sequence: number | null, activityId: string | null) => void;

const isFirst = ({ link: { end } }: LinkedItem) => end === 'first' || end === 'only';
const isLast = ({ link: { end } }: LinkedItem) => end === 'last' || end === 'only';

/**
 * Finds the links that are missing in a whole session. The pages of an export are read one after the other: entries that
 * waited on one page may be sealed before the next page is read, which then has a later last link. So after a last link, as many
 * links may be missing as entries wait.
 */
export function findGaps(links: readonly LinkedItem[], waiting: number, found: Found): void {
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

/** Looks for heads that were kept elsewhere. */
export function findHeads(sessionId: string, links: LinkedItem[], { heads = [] }: VerifyOptions, found: Found): void {
  for (const head of heads.filter((one) => one.sessionId === sessionId)) {
    const at = links.find(({ link }) => link.sequence === head.sequence);
    if (!at) found('link_missing', head.sequence, null);
    else if (at.link.hash !== head.hash) found('link_moved', head.sequence, at.id);
  }
}

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
  let proven = 0;
  for (const { sequence, hash } of heads) {
    const at = links.find(({ link }) => link.sequence === sequence);
    const known = at?.link.hash ?? (first?.sequence === sequence + 1 ? first.previousHash : undefined);
    if (known === hash) proven += 1;
    else if (known !== undefined) found('link_moved', sequence, at?.id ?? null);
    else if (isComplete && sequence > (last?.sequence ?? 0)) found('link_missing', sequence, null);
  }
  return proven;
}
