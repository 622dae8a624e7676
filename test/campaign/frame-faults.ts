import type { ServerFrame } from '../../protocol/frames.ts';
import type { Aftermath } from './campaign.ts';

/** Changes that were announced to a connection twice, or that were not announced (rules PR10, DE4). */
export function frameFaults({ frames, untold, cut }: Aftermath): string[] {
  const told = new Map<string, number>();
  for (const { connectionId, frame } of frames) {
    // An invocation that does not know whether an activity was written must announce it again.
    if (frame.type === 'activity' && cut.has(frame.activity.id)) continue;
    const subject = subjectOf(frame);
    if (subject) told.set(`${connectionId}: ${subject}`, (told.get(`${connectionId}: ${subject}`) ?? 0) + 1);
  }
  const doubled = [...told]
    .filter(([, times]) => times > 1)
    .map(([what, times]) => `announced ${times} times: ${what}`);
  return [...doubled, ...untold.map((what) => `never announced: ${what}`)];
}

/** The identity of the changes in a frame: the epoch and number of a diff, the id of an activity. */
export function subjectOf(frame: ServerFrame): string | undefined {
  if (frame.type === 'presence_diff') return `diff ${frame.epoch} ${frame.seq}`;
  return frame.type === 'activity' ? `activity ${frame.activity.id}` : undefined;
}
