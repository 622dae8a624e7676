import { RollcallError } from '../../protocol/errors.ts';
import { isUuid } from '../../protocol/uuid.ts';

/** A position in a list of sessions. A client sends it to get the next page. */
export function encodePosition(session: { startTime: number; id: string }): string {
  return Buffer.from(`${session.startTime}.${session.id}`).toString('base64url');
}

/** @throws RollcallError `INVALID_MESSAGE` for a text that {@link encodePosition} did not make. */
export function decodePosition(text: string): { startTime: number; id: string } {
  const [time, id] = Buffer.from(text, 'base64url').toString().split('.');
  const startTime = Number(time);
  if (!time || !id || !isUuid(id) || !Number.isInteger(startTime) || Math.abs(startTime) > 8.64e15) {
    throw new RollcallError('INVALID_MESSAGE', 'before: must be the `next` of an earlier page.');
  }
  return { startTime, id };
}
