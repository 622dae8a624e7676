import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';
import type { Position } from './webhook-queue.ts';

/** A position as text for clients. */
export function encodePosition({ at, id }: Position): string {
  return `${at}.${id}`;
}

/** @throws RollcallError INVALID_MESSAGE if it is none. */
export function decodePosition(text: string): Position {
  const [, at, id] = /^(\d{1,16})\.(.+)$/.exec(text) ?? [];
  if (at !== undefined && isUuid(id) && Number(at) <= 8.64e15) return { at: Number(at), id };
  throw new RollcallError('INVALID_MESSAGE', 'The position of the next part is not valid. Start again without it.');
}
