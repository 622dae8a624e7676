import type * as z from 'zod/mini';
import { RollcallError } from './errors.ts';
import { limits } from './limits.ts';
import { type MessageType, messages, tooLarge } from './messages.ts';
import { textProblem, utf8Bytes } from './text.ts';

/** A message of the right form. */
export interface ReadMessage {
  type: MessageType;
  requestId: string | undefined;
  message: unknown;
}

export interface InvalidMessage {
  requestId: string | undefined;
  error: RollcallError;
}

/** Reads and checks a message. It never throws: for an invalid message it returns the error. */
export function readMessage(text: string): ReadMessage | InvalidMessage {
  const value = parsed(text);
  const requestId = requestIdOf(value);
  if (utf8Bytes(text) > limits.messageBytes) {
    return refuse(requestId, 'TOO_LARGE', `A message must be at most ${limits.messageBytes} bytes. Send less at once.`);
  }
  if (value === undefined) {
    return refuse(undefined, 'INVALID_MESSAGE', 'The message is not JSON. Send an object with a "type".');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(undefined, 'INVALID_MESSAGE', 'The message is not an object. Send an object with a "type".');
  }
  if (isNestedDeeper(value, limits.nestingLevels)) {
    return refuse(requestId, 'INVALID_MESSAGE', `A message must be at most ${limits.nestingLevels} levels deep.`);
  }
  const { type } = value as { type?: unknown };
  if (typeof type !== 'string' || !Object.hasOwn(messages, type)) {
    return refuse(requestId, 'INVALID_MESSAGE', 'The message has no known "type". See the list of messages.');
  }
  const checked = messages[type as MessageType].schema.safeParse(value);
  if (!checked.success) return { requestId, error: shapeError(checked.error) };
  return { type: type as MessageType, requestId, message: checked.data };
}

/** The parsed text; undefined if it is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The `requestId` of a message, even if the message is invalid, so that the error names the request. */
function requestIdOf(value: unknown): string | undefined {
  const given = (value as { requestId?: unknown } | null | undefined)?.requestId;
  const isUsable = typeof given === 'string' && given.length <= limits.requestIdCharacters && !textProblem(given);
  return isUsable ? given : undefined;
}

/** Checks the depth of a value, because encoding a very deep value overflows the stack. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isNestedDeeper(inner, levels - 1));
}

function refuse(requestId: string | undefined, code: 'TOO_LARGE' | 'INVALID_MESSAGE', message: string): InvalidMessage {
  return { requestId, error: new RollcallError(code, message) };
}

/** The error of a message whose fields do not have the form of its schema. */
export function shapeError(error: z.core.$ZodError): RollcallError {
  const large = error.issues.find((issue) => issue.code === 'custom' && issue.params?.['limit'] === tooLarge);
  const issue = large ?? error.issues[0]!;
  const field = issue.path.length > 0 ? `"${issue.path.join('.')}"` : 'The message';
  return new RollcallError(large ? 'TOO_LARGE' : 'INVALID_MESSAGE', `${field}: ${issue.message}.`);
}
