import type { ErrorCode } from '../../protocol/errors.ts';

const titles: Partial<Record<ErrorCode, string>> = {
  INVITE_EXPIRED: 'This invitation has expired',
  INVITE_INVALID: 'This invitation does not work',
  SESSION_NOT_FOUND: 'This link leads nowhere',
  SESSION_INACTIVE: 'This session is over',
  SESSION_FULL: 'This session is full',
  PERMISSION_DENIED: 'You cannot enter this session',
  UNAVAILABLE: 'Rollcall is out of reach',
};

/** The heading over the server's own sentence. */
export function refusalTitle(code: ErrorCode): string {
  return titles[code] ?? 'That did not work';
}
