import { errorCodes, RollcallError } from '../../protocol/errors.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { type MessageType, messages } from '../../protocol/messages.ts';
import { readMessage } from '../../protocol/read-message.ts';
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
  const read = readMessage(base64 ? Buffer.from(body, 'base64').toString('utf8') : body);
  return 'error' in read ? { requestId: read.requestId, refusal: read.error } : read;
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
