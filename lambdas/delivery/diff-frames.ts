import type { ServerFrame, ServerFrames } from '../../protocol/frames.ts';
import { limits } from '../../protocol/limits.ts';

type Diff = ServerFrames['presence_diff'];

/**
 * The frames of a diff that has `parts` numbers; `seq` is the last of them. A diff over 32 KB is split into several frames.
 * Every number is used, so that no client sees a gap (rule DE7). The parts follow the order in which a client applies a
 * diff: leaves first. So a later part never removes a user whom an earlier part added.
 */
export function diffFrames(diff: Diff, parts: number): ServerFrame<'presence_diff'>[] {
  if (parts === 1) return [{ type: 'presence_diff', ...diff }];
  const { joins, updates, leaves, seq, ...common } = diff;
  const frames = Array.from({ length: parts }, (_, part): ServerFrame<'presence_diff'> => {
    return { type: 'presence_diff', ...common, seq: seq - parts + 1 + part, joins: [], updates: [], leaves: [] };
  });
  let [part, size] = [0, 0];
  const frameFor = (member: object) => {
    if (size >= limits.diffPartBytes && part < parts - 1) [part, size] = [part + 1, 0];
    size += Buffer.byteLength(JSON.stringify(member)) + 1;
    return frames[part]!;
  };
  for (const leave of leaves) frameFor(leave).leaves.push(leave);
  for (const join of joins) frameFor(join).joins.push(join);
  for (const update of updates) frameFor(update).updates.push(update);
  return frames;
}
