import type * as z from 'zod/mini';
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

/** Reads and checks a message. It never throws: for an invalid message it returns the refusal. */
export function readRequest(body: string, base64: boolean): Request | RefusedRequest {
  const text = base64 ? Buffer.from(body, 'base64').toString('utf8') : body;
  const value = parsed(text);
  const requestId = requestIdOf(value);
  if (Buffer.byteLength(text) > limits.messageBytes) {
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
  if (!checked.success) return { requestId, refusal: shapeRefusal(checked.error) };
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

function refuse(requestId: string | undefined, code: 'TOO_LARGE' | 'INVALID_MESSAGE', message: string): RefusedRequest {
  return { requestId, refusal: new RollcallError(code, message) };
}

/** The refusal of a message whose fields do not have the form of its schema. */
export function shapeRefusal(error: z.core.$ZodError): RollcallError {
  const large = error.issues.find((issue) => issue.code === 'custom' && issue.params?.['limit'] === tooLarge);
  const issue = large ?? error.issues[0]!;
  const field = issue.path.length > 0 ? `"${issue.path.join('.')}"` : 'The message';
  return new RollcallError(large ? 'TOO_LARGE' : 'INVALID_MESSAGE', `${field}: ${issue.message}.`);
}

/**
 * The answer to a request, with its `requestId`: the frame of the handler, or else an `ack`. A quiet request without a
 * `requestId` gets no `ack`.
 */
export function answerTo({ type, requestId }: Request, frame: ServerFrame | undefined): ServerFrame | undefined {
  const answer = frame ?? { type: 'ack' };
  if (requestId !== undefined) return { ...answer, requestId };
  return frame === undefined && 'quiet' in messages[type] ? undefined : answer;
}

/** @param reference the id of the event, by which an operator finds the log lines of an error of the service. */
export function errorFrame(
  refusal: RollcallError,
  requestId: string | undefined,
  reference?: string,
): ServerFrame<'error'> {
  return {
    type: 'error',
    ...(requestId === undefined ? {} : { requestId }),
    code: refusal.code,
    message: refusal.message,
    retryable: errorCodes[refusal.code].retryable,
    ...(refusal.retryAfterMillis === undefined ? {} : { retryAfterMillis: refusal.retryAfterMillis }),
    ...(refusal.code === 'INTERNAL' && reference !== undefined ? { reference } : {}),
  };
}

/** Whether the service is at fault, and not the caller. */
export function isFailure({ code }: RollcallError): boolean {
  return code === 'INTERNAL' || code === 'UNAVAILABLE';
}

/**
 * What a client is told about an error. A RollcallError is sent as it is. Any other error is a bug: it is logged once, with its
 * context, and the client is told `INTERNAL`.
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
  return new RollcallError(
    'INTERNAL',
    'Something went wrong in the service. Try again, and report it if it happens again.',
    {
      cause: error,
    },
  );
}
