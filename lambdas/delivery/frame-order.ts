/**
 * The position of a frame among the frames of its connection (rule PR18). API Gateway may run two messages of one
 * connection at once and finish them in either order.
 */
export interface FrameOrder {
  /** When API Gateway received the message, Unix milliseconds. */
  receivedAt: number;
  /** The number that the client gave it. Two numbered frames are compared by it alone. */
  order?: number | undefined;
}

/** The position of a frame: by the number of the client where it gives one, otherwise by the time of reception. */
export function frameOrder(caller: { receivedAt?: number | undefined }, order: number | undefined): FrameOrder {
  return { receivedAt: caller.receivedAt ?? Date.now(), ...(order === undefined ? {} : { order }) };
}

/** Whether a frame is older than the last one that was applied. */
export function isOlder(frame: FrameOrder, last: FrameOrder): boolean {
  if (frame.order !== undefined && last.order !== undefined) return frame.order < last.order;
  return frame.receivedAt < last.receivedAt;
}

/** The position of a frame as two arguments of a script; empty where it is not known. */
export function positionOf(frame: FrameOrder | undefined): (string | number)[] {
  return [frame ? Math.round(frame.receivedAt) : '', frame?.order ?? ''];
}
