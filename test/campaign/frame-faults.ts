import { Told } from '../harness/checks/told.ts';
import type { Aftermath } from './campaign.ts';

/** Changes that were announced to a connection twice, or that were not announced (rules PR10, DE4). */
export function frameFaults({ frames, untold, cut }: Aftermath): string[] {
  const told = new Told();
  for (const { connectionId, frame } of frames) {
    // An invocation that does not know whether an activity was written must announce it again.
    const isRepeatable = frame.type === 'activity' && cut.has(frame.activity.id);
    if (!isRepeatable) told.note(connectionId, frame);
  }
  return [...told.faults(), ...untold.map((what) => `never announced: ${what}`)];
}
