/**
 * The position of a frame among the frames of its connection and session (rule PR18). API Gateway may run two frames of one
 * connection at the same time, and either may finish first.
 */
export interface Turn {
  /** The number that the client gave the frame; a later frame has a higher number. */
  order?: number | undefined;
  /** When API Gateway received the frame, Unix milliseconds. It decides if one of two frames has no `order`. */
  receivedAt?: number | undefined;
}

/** A later frame of the same connection and session was handled before, so this one changes nothing (rule PR18). */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';

  constructor() {
    super('A later frame of this connection was handled before.');
  }
}

/** The turn of a frame of a caller. */
export function turnOf({ receivedAt }: Pick<Turn, 'receivedAt'>, order: number | undefined): Turn {
  return { order, receivedAt };
}

/** Whether `turn` is before `other`; false for turns that are equal or cannot be compared. */
export function isBefore(turn: Turn, other: Turn): boolean {
  if (turn.order !== undefined && other.order !== undefined) return turn.order < other.order;
  return turn.receivedAt !== undefined && other.receivedAt !== undefined && turn.receivedAt < other.receivedAt;
}
