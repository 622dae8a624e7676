/**
 * Where a frame stands among those of its connection and session (rule PR18). API Gateway may run two frames of one
 * connection at the same time and finish them in either order.
 */
export interface Turn {
  /** The number that the client gave the frame: the higher one is later. */
  order?: number | undefined;
  /** When API Gateway received the frame, Unix milliseconds. Decides where one of two frames has no `order`. */
  receivedAt?: number | undefined;
}

/** A later frame of the same connection and session has decided already, so this one changes nothing (rule PR18). */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';

  constructor() {
    super('A later frame of this connection has decided already.');
  }
}

/** The turn of a frame of a caller. */
export function turnOf({ receivedAt }: Pick<Turn, 'receivedAt'>, order: number | undefined): Turn {
  return { order, receivedAt };
}

/** Whether `turn` is before `other`. Turns that cannot be compared, or are equal, are not before one another. */
export function isBefore(turn: Turn, other: Turn): boolean {
  if (turn.order !== undefined && other.order !== undefined) return turn.order < other.order;
  return turn.receivedAt !== undefined && other.receivedAt !== undefined && turn.receivedAt < other.receivedAt;
}
