/** A frame of any type, as it was received. */
export interface Frame {
  type: string;
  requestId?: string;
  sessionId?: string;
  [field: string]: unknown;
}

const lists = ['users', 'participants', 'machines'];

/**
 * Reassembles answers that were too large for one frame (`part` of `parts`, by `snapshotId`). The parts may arrive in any order.
 *
 * @returns a function that takes each frame and returns the complete one, or undefined while parts are missing.
 */
export function createGatherer(): (frame: Frame) => Frame | undefined {
  const gathering = new Map<unknown, Map<unknown, Frame>>();
  return (frame) => {
    const { part, parts, snapshotId } = frame;
    if (!((parts as number) > 1)) return frame;
    const known = gathering.get(snapshotId) ?? new Map<unknown, Frame>();
    gathering.set(snapshotId, known.set(part, frame));
    if (known.size < (parts as number)) return undefined;
    gathering.delete(snapshotId);
    const whole = { ...known.get(1)! };
    const inOrder = [...known.values()].sort((one, other) => (one.part as number) - (other.part as number));
    for (const list of lists) {
      if (whole[list]) whole[list] = inOrder.flatMap((each) => each[list] as unknown[]);
    }
    return whole;
  };
}
