import type { ServerFrame } from '../../protocol/frames.ts';
import type { Aftermath } from './campaign.ts';

/** What a connection was told twice, or was to be told and never was (rules PR10, DE4). */
export function frameFaults({ frames, untold, cut }: Aftermath): string[] {
  const told = new Map<string, number>();
  for (const { connectionId, frame } of frames) {
    // Whoever cannot know whether an activity was written has to tell it again.
    if (frame.type === 'activity' && cut.has(frame.activity.id)) continue;
    const subject = subjectOf(frame);
    if (subject) told.set(`${connectionId}: ${subject}`, (told.get(`${connectionId}: ${subject}`) ?? 0) + 1);
  }
  const doubled = [...told].filter(([, times]) => times > 1).map(([what, times]) => `told ${times} times: ${what}`);
  return [...doubled, ...untold.map((what) => `never told: ${what}`)];
}

/** What a frame tells: each diff has its number in its epoch, each activity its id. */
export function subjectOf(frame: ServerFrame): string | undefined {
  if (frame.type === 'presence_diff') return `diff ${frame.epoch} ${frame.seq}`;
  return frame.type === 'activity' ? `activity ${frame.activity.id}` : undefined;
}
