/**
 * The only rule of expiry (SE5): a session has expired if its last activity was at least `SESSION_TIMEOUT_HOURS` ago. In
 * the database, `session_last_activity` computes the last activity; `check_session_expiry` and `join_session` use the same
 * comparison.
 */
import type { SessionStatus } from '../../protocol/entities.ts';

/** One expiry of a session for the audit trail (rule SE6). */
export interface Expiry {
  sessionId: string;
  /** Unix milliseconds. */
  expiredAt: number;
  /** From creation to expiry. */
  durationMinutes: number;
  /** How many users held a slot when it expired. */
  participantCount: number;
}

/** The whole minutes between two times in Unix milliseconds. */
export function minutesBetween(start: number, end: number): number {
  return Math.round((end - start) / 60_000);
}

/** When a session expires unless there is activity before, Unix milliseconds. */
export function expiresAt(lastActivityAt: number, sessionTimeoutMillis: number): number {
  return lastActivityAt + sessionTimeoutMillis;
}

export function isExpired(lastActivityAt: number, now: number, sessionTimeoutMillis: number): boolean {
  return now >= expiresAt(lastActivityAt, sessionTimeoutMillis);
}

/** The status of a session at this moment, whether or not a sweep has recorded the expiry. */
export function statusAt(
  session: { status: SessionStatus; lastActivityAt: number },
  now: number,
  sessionTimeoutMillis: number,
): SessionStatus {
  if (session.status !== 'active') return session.status;
  return isExpired(session.lastActivityAt, now, sessionTimeoutMillis) ? 'expired' : 'active';
}

/** The message for a user whose invite has expired. */
export function expiredInviteText(sessionTimeoutMillis: number): string {
  return `This invitation link has expired. Sessions become inactive after ${durationText(sessionTimeoutMillis)} of no activity.`;
}

const units = [
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

/** A duration in its largest whole unit, for people: `1 hour`, `1.5 hours`, `30 minutes`, `3.6 seconds`. */
export function durationText(millis: number): string {
  const [unit, size] = units.find(([, size]) => millis >= size) ?? units[2];
  const count = Number((millis / size).toFixed(2));
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
