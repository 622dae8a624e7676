import type { ErrorCode } from '../../protocol/errors.ts';

/** An error that is answered with an `error` frame. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
