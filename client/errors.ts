import type { ErrorCode } from '../protocol/errors.ts';

export type { ErrorCode };

/**
 * Every failure the client reports. `message` is written for people: it says what happened and one next step.
 */
export class RollcallError extends Error {
  override readonly name = 'RollcallError';
  /** Why, in one word; the codes of the protocol. */
  readonly code: ErrorCode;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
  /** Milliseconds after which a retry makes sense, where the service said so. */
  readonly retryAfterMillis: number | undefined;

  /** Applications receive these errors; they seldom make one themselves. */
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

/** A failure of the connection or the service that passes. */
export function unavailable(message: string, retryable = true): RollcallError {
  return new RollcallError('UNAVAILABLE', message, { retryable });
}

/** Codes of a handshake, a close or the protocol after which no retry with the same credentials can succeed (rule CL1). */
const final = /^(4?40[13]|removed|UNAUTHENTICATED|PERMISSION_DENIED)$/i;

/**
 * Whether trying to connect again can succeed after this failure (rule CL1).
 *
 * @param error anything a `connect` function threw: `retryable: false`, and a `code`, `closeCode`, `status` or `reason` of 401, 403,
 *   4401, 4403 or `removed` are final.
 */
export function canHeal(error: unknown): boolean {
  const { retryable, code, closeCode, status, reason } = (error ?? {}) as Record<string, unknown>;
  return retryable !== false && ![code, closeCode, status, reason].some((each) => final.test(String(each)));
}
