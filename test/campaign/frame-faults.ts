import type { PostedFrame } from './gateway.ts';

/** What a connection was told twice: each diff has its number, each activity its id (rule PR10). */
export function frameFaults(frames: readonly PostedFrame[], cut: ReadonlySet<string>): string[] {
  const told = new Map<string, number>();
  for (const { connectionId, frame } of frames) {
    // Whoever cannot know whether an activity was written has to tell it again.
    if (frame.type === 'activity' && cut.has(frame.activity.id)) continue;
    const subject = subjectOf(frame);
    if (subject) told.set(`${connectionId}: ${subject}`, (told.get(`${connectionId}: ${subject}`) ?? 0) + 1);
  }
  return [...told].filter(([, times]) => times > 1).map(([what, times]) => `told ${times} times: ${what}`);
}

function subjectOf(frame: PostedFrame['frame']): string | undefined {
  if (frame.type === 'presence_diff') return `diff ${frame.sessionId} ${frame.epoch} ${frame.seq}`;
  return frame.type === 'activity' ? `activity ${frame.activity.id}` : undefined;
}
