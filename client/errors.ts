import type { ErrorCode } from '../protocol/errors.ts';

export type { ErrorCode };

/**
 * The error class of the client. `message` is a text for users: it says what happened and one next step.
 */
export class RollcallError extends Error {
  override readonly name = 'RollcallError';
  /** The cause, as a code of the protocol. */
  readonly code: ErrorCode;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
  /** Milliseconds to wait before a retry, if the service named them. */
  readonly retryAfterMillis: number | undefined;

  /** The client creates these errors; applications seldom need to. */
  constructor(
    code: ErrorCode,
    message: string,
    options: { retryable?: boolean; retryAfterMillis?: number; cause?: unknown } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMillis = options.retryAfterMillis;
  }
}

/** A temporary failure of the connection or the service. */
export function unavailable(message: string, retryable = true): RollcallError {
  return new RollcallError('UNAVAILABLE', message, { retryable });
}

/** The error of a call in a session that was left or has ended. */
export function notInSession(): RollcallError {
  return new RollcallError('NOT_IN_SESSION', 'You are not in this session; join it first.');
}

/** Codes of a handshake, a close or the protocol after which a retry with the same credentials cannot succeed (rule CL1). */
const final = /^(4?40[13]|removed|UNAUTHENTICATED|PERMISSION_DENIED)$/i;

/**
 * Whether a retry can succeed after this error (rule CL1).
 *
 * @param error what a `connect` function threw. It is final if it has `retryable: false`, or a `code`, `closeCode`, `status` or
 *   `reason` of 401, 403, 4401, 4403 or `removed`.
 */
export function isRetryable(error: unknown): boolean {
  const { retryable, code, closeCode, status, reason } = (error ?? {}) as Record<string, unknown>;
  return retryable !== false && ![code, closeCode, status, reason].some((each) => final.test(String(each)));
}
