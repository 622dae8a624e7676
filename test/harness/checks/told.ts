import type { ServerFrame } from '../../../protocol/frames.ts';

/** The identity of the changes in a frame: the epoch and number of a diff, the id of an activity. */
export function subjectOf(frame: ServerFrame): string | undefined {
  if (frame.type === 'presence_diff') return `diff ${frame.epoch} ${frame.seq}`;
  return frame.type === 'activity' ? `activity ${frame.activity.id}` : undefined;
}

/** Counts the changes that were announced to each connection. None is announced twice (rules PR10, DE4). */
export class Told {
  readonly #times = new Map<string, number>();

  note(connectionId: string, frame: ServerFrame): void {
    const subject = subjectOf(frame);
    if (subject === undefined) return;
    const what = `${connectionId}: ${subject}`;
    this.#times.set(what, (this.#times.get(what) ?? 0) + 1);
  }

  /** The changes that were announced more than once, one sentence each. */
  faults(): string[] {
    return [...this.#times]
      .filter(([, times]) => times > 1)
      .map(([what, times]) => `announced ${times} times: ${what}`);
  }
}
