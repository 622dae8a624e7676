import type { ServerFrame } from '../../protocol/frames.ts';
import type { Aftermath } from './campaign.ts';

/** What a connection was told twice, or was to be told and never was (rules PR10, DE4). */
export function frameFaults({ frames, refused, ended, numbered, cut }: Aftermath): string[] {
  const told = new Map<string, number>();
  for (const { connectionId, frame } of frames) {
    // Whoever cannot know whether an activity was written has to tell it again.
    if (frame.type === 'activity' && cut.has(frame.activity.id)) continue;
    const subject = subjectOf(frame);
    if (subject) told.set(`${connectionId}: ${subject}`, (told.get(`${connectionId}: ${subject}`) ?? 0) + 1);
  }
  const doubled = [...told].filter(([, times]) => times > 1).map(([what, times]) => `told ${times} times: ${what}`);
  const dropped = new Set(refused.map(({ connectionId, frame }) => `${connectionId}: ${subjectOf(frame)}`));
  const missing = numbered.flatMap(({ epoch, seq, receivers }) =>
    receivers
      .filter((connectionId) => !ended.has(connectionId))
      .map((connectionId) => `${connectionId}: diff ${epoch} ${seq}`)
      .filter((what) => !told.has(what) && !dropped.has(what)),
  );
  return [...doubled, ...missing.map((what) => `never told: ${what}`)];
}

/** Each diff has its number in its epoch, each activity its id. */
function subjectOf(frame: ServerFrame): string | undefined {
  if (frame.type === 'presence_diff') return `diff ${frame.epoch} ${frame.seq}`;
  return frame.type === 'activity' ? `activity ${frame.activity.id}` : undefined;
}
