import type { ErrorCode } from '../../protocol/errors.ts';

const titles: Partial<Record<ErrorCode, string>> = {
  INVITE_EXPIRED: 'This invitation has expired',
  INVITE_INVALID: 'This invitation does not work',
  SESSION_NOT_FOUND: 'This session does not exist',
  SESSION_INACTIVE: 'This session is over',
  SESSION_FULL: 'This session is full',
  PERMISSION_DENIED: 'You cannot enter this session',
  UNAVAILABLE: 'Rollcall cannot be reached',
};

/** The heading above the server's message. */
export function refusalTitle(code: ErrorCode): string {
  return titles[code] ?? 'The request failed';
}
