import type { z } from 'zod';
import { errorCodes, RollcallError } from '../../protocol/errors.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { limits } from '../../protocol/limits.ts';
import { type MessageType, messages, tooLarge } from '../../protocol/messages.ts';
import { textProblem } from '../../protocol/text.ts';
import type { Services } from '../services/services.ts';

export interface Request {
  type: MessageType;
  requestId: string | undefined;
  message: unknown;
}

export interface RefusedRequest {
  requestId: string | undefined;
  refusal: RollcallError;
}

/** Reads and checks a message. Never throws: a message that cannot be served carries its refusal. */
export function readRequest(body: string, base64: boolean): Request | RefusedRequest {
  const text = base64 ? Buffer.from(body, 'base64').toString('utf8') : body;
  const value = parsed(text);
  const requestId = requestIdOf(value);
  if (Buffer.byteLength(text) > limits.messageBytes) {
    return refuse(requestId, 'TOO_LARGE', `A message must be at most ${limits.messageBytes} bytes; send less at once.`);
  }
  if (value === undefined) {
    return refuse(undefined, 'INVALID_MESSAGE', 'The message is not JSON; send an object with a "type".');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse(undefined, 'INVALID_MESSAGE', 'The message is not an object; send an object with a "type".');
  }
  if (isNestedDeeper(value, limits.nestingLevels)) {
    return refuse(requestId, 'INVALID_MESSAGE', `A message must be at most ${limits.nestingLevels} levels deep.`);
  }
  const { type } = value as { type?: unknown };
  if (typeof type !== 'string' || !Object.hasOwn(messages, type)) {
    return refuse(requestId, 'INVALID_MESSAGE', 'The message has no known "type"; see the list of messages.');
  }
  const checked = messages[type as MessageType].schema.safeParse(value);
  if (!checked.success) return { requestId, refusal: shapeRefusal(checked.error) };
  return { type: type as MessageType, requestId, message: checked.data };
}

/** Undefined where it is no JSON, which no JSON stands for. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whatever is wrong with a message, its answer names it where it can be named. */
function requestIdOf(value: unknown): string | undefined {
  const given = (value as { requestId?: unknown } | null | undefined)?.requestId;
  const isUsable = typeof given === 'string' && given.length <= limits.requestIdCharacters && !textProblem(given);
  return isUsable ? given : undefined;
}

/** Whoever encodes, or stores, what is nested without end runs out of stack. */
function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isNestedDeeper(inner, levels - 1));
}

function refuse(requestId: string | undefined, code: 'TOO_LARGE' | 'INVALID_MESSAGE', message: string): RefusedRequest {
  return { requestId, refusal: new RollcallError(code, message) };
}

function shapeRefusal(error: z.ZodError): RollcallError {
  const large = error.issues.find((issue) => issue.code === 'custom' && issue.params?.['limit'] === tooLarge);
  const issue = large ?? error.issues[0]!;
  const field = issue.path.length > 0 ? `"${issue.path.join('.')}"` : 'The message';
  return new RollcallError(large ? 'TOO_LARGE' : 'INVALID_MESSAGE', `${field}: ${issue.message}.`);
}

/**
 * The answer to a request: the handler's frame, or an `ack` where one is owed, with the `requestId` repeated. Quiet
 * requests are answered by nothing unless they ask to be.
 */
export function answerTo({ type, requestId }: Request, frame: ServerFrame | undefined): ServerFrame | undefined {
  const answer = frame ?? { type: 'ack' };
  if (requestId !== undefined) return { ...answer, requestId };
  return frame === undefined && 'quiet' in messages[type] ? undefined : answer;
}

export function errorFrame(refusal: RollcallError, requestId: string | undefined): ServerFrame<'error'> {
  return {
    type: 'error',
    ...(requestId === undefined ? {} : { requestId }),
    code: refusal.code,
    message: refusal.message,
    retryable: errorCodes[refusal.code].retryable,
    ...(refusal.retryAfterMillis === undefined ? {} : { retryAfterMillis: refusal.retryAfterMillis }),
  };
}

/**
 * What a client may know of something that was thrown. A refusal is its own; anything else is a bug, is logged once with
 * its context and becomes `INTERNAL`.
 */
export function refusalOf(
  error: unknown,
  context: () => Record<string, unknown>,
  log: Pick<Services['log'], 'warn' | 'error'>,
): RollcallError {
  if (error instanceof RollcallError) {
    if (error.cause) log.warn('A dependency failed', { ...context(), error: error.cause as Error });
    return error;
  }
  log.error('A handler failed', { ...context(), error: error as Error });
  return new RollcallError('INTERNAL', 'Something went wrong on our side; try again, and report it if it stays.', {
    cause: error,
  });
}
