import type * as z from 'zod/mini';
import { RollcallError } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { isNestedDeeper, shapeError } from '../../../protocol/read-message.ts';

/**
 * Reads the body of a request: a JSON object of at most 32 KB, as for messages. An empty body is an empty object.
 *
 * @param more fields that the path gives.
 * @throws RollcallError INVALID_MESSAGE or TOO_LARGE.
 */
export function readBody<T extends z.ZodMiniType>(
  schema: T,
  body: string,
  more: Record<string, unknown> = {},
): z.infer<T> {
  if (Buffer.byteLength(body) > limits.messageBytes) {
    throw new RollcallError('TOO_LARGE', `A body must be at most ${limits.messageBytes} bytes. Send less at once.`);
  }
  const value = body.trim() === '' ? {} : parsed(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RollcallError('INVALID_MESSAGE', 'The body is not a JSON object. Send one.');
  }
  if (isNestedDeeper(value, limits.nestingLevels)) {
    throw new RollcallError('INVALID_MESSAGE', `A body must be at most ${limits.nestingLevels} levels deep.`);
  }
  const checked = schema.safeParse({ ...value, ...more });
  if (!checked.success) throw shapeError(checked.error);
  return checked.data;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
