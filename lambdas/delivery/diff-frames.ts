import type { ServerFrame, ServerFrames } from '../../protocol/frames.ts';

type Diff = ServerFrames['presence_diff'];

/**
 * The frames of a diff that was given `parts` numbers, the last of them being its `seq`: a diff over 32 KB is split by
 * members, and every number is used, so nobody sees a gap (rule DE7).
 */
export function diffFrames(diff: Diff, parts: number): ServerFrame<'presence_diff'>[] {
  const { joins, updates, leaves, seq, ...common } = diff;
  const share = <T>(items: T[], part: number): T[] =>
    items.slice(Math.floor((part * items.length) / parts), Math.floor(((part + 1) * items.length) / parts));
  return Array.from({ length: parts }, (_, part) => ({
    type: 'presence_diff',
    ...common,
    seq: seq - parts + 1 + part,
    joins: share(joins, part),
    updates: share(updates, part),
    leaves: share(leaves, part),
  }));
}
