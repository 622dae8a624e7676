/** All error codes that a client can receive, and whether a retry of the same request can succeed. */
export const errorCodes = {
  UNAUTHENTICATED: { retryable: false },
  PERMISSION_DENIED: { retryable: false },
  SESSION_NOT_FOUND: { retryable: false },
  SESSION_INACTIVE: { retryable: false },
  SESSION_FULL: { retryable: false },
  INVITE_EXPIRED: { retryable: false },
  INVITE_INVALID: { retryable: false },
  NOT_IN_SESSION: { retryable: false },
  MACHINE_NOT_FOUND: { retryable: false },
  WEBHOOK_NOT_FOUND: { retryable: false },
  INVALID_MESSAGE: { retryable: false },
  TOO_LARGE: { retryable: false },
  RATE_LIMITED: { retryable: true },
  UNAVAILABLE: { retryable: true },
  INTERNAL: { retryable: false },
} as const satisfies Record<string, { retryable: boolean }>;

export type ErrorCode = keyof typeof errorCodes;

/**
 * An error for the user. Its message is sent unchanged and shown to people, so it must name one next step and nothing
 * internal (no SQL, host, key or stack). Any other error becomes `INTERNAL`.
 */
export class RollcallError extends Error {
  override readonly name = 'RollcallError';
  readonly code: ErrorCode;
  /** Milliseconds to wait before a retry; only for retryable codes. */
  readonly retryAfterMillis: number | undefined;

  constructor(code: ErrorCode, message: string, options: { retryAfterMillis?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryAfterMillis = options.retryAfterMillis;
  }
}
