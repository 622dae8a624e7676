import type { Caller } from '../runtime/caller.ts';

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
export function turnOf({ receivedAt }: Pick<Caller, 'receivedAt'>, order: number | undefined): Turn {
  return { order, receivedAt };
}

/** Whether `turn` is before `other`. Turns that cannot be compared, or are equal, are not before one another. */
export function isBefore(turn: Turn, other: Turn): boolean {
  if (turn.order !== undefined && other.order !== undefined) return turn.order < other.order;
  return turn.receivedAt !== undefined && other.receivedAt !== undefined && turn.receivedAt < other.receivedAt;
}

/**
 * The condition of DynamoDB that an item was not written by a later turn; undefined where the turn says nothing. It has no
 * brackets: the local DynamoDB takes 20 ms to read nested ones.
 */
export function notAfter({ order, receivedAt }: Turn): string | undefined {
  const byTime = ['attribute_not_exists(#receivedAt)', '#receivedAt <= :receivedAt'];
  if (order === undefined) return receivedAt === undefined ? undefined : byTime.join(' OR ');
  const hasNoOrder = 'attribute_not_exists(#order)';
  const otherwise = receivedAt === undefined ? [hasNoOrder] : byTime.map((one) => `${hasNoOrder} AND ${one}`);
  return ['#order <= :order', ...otherwise].join(' OR ');
}
