import type { PresenceUser, Status } from '../../protocol/entities.ts';
import { statuses } from '../../protocol/entities.ts';
import { hiddenMillis } from '../../protocol/timings.ts';

/** What a status is computed from. Times are Unix milliseconds. */
export interface StatusClocks {
  lastSeen: number;
  lastActive: number;
  /** A status that the user set themselves; absent if none is in force. */
  chosen?: Exclude<Status, 'online'>;
  /** The connections that reported `hidden` (rule PR17); absent if none did. */
  hidden?: string[];
  connections?: number;
}

export interface StatusThresholds {
  offlineAfterMillis: number;
  awayAfterMillis: number;
}

/** A presence record in Redis: what others see, and fields that only the scripts need. */
export type PresenceRecord = PresenceUser &
  Pick<StatusClocks, 'chosen' | 'hidden'> & {
    /** Whether it was restored from the connection table. */
    restored?: true;
    /** Whether the others have not been told yet that the cursor ended. */
    cursorEndUnsent?: true;
    /** The lengths of the keys and values of `data`, and when it changed (Unix milliseconds). */
    dataSizes?: number[];
    dataAt?: number;
    /** Agents only: the end of the lease, and when it was set. */
    leaseUntil?: number;
    renewedAt?: number;
  };

/**
 * The status others see: the worse of what the clocks say and what the user chose (rules PR3-PR5). Both limits are
 * inclusive.
 */
export function statusAt(clocks: StatusClocks, now: number, thresholds: StatusThresholds): Status {
  const derived = derivedStatus(clocks, now, thresholds);
  return clocks.chosen && statuses.indexOf(clocks.chosen) > statuses.indexOf(derived) ? clocks.chosen : derived;
}

function derivedStatus(clocks: StatusClocks, now: number, thresholds: StatusThresholds): Status {
  const { hidden, connections = 0 } = clocks;
  const silence = hidden ? Math.max(hiddenMillis, thresholds.offlineAfterMillis) : thresholds.offlineAfterMillis;
  if (now - clocks.lastSeen >= silence) return 'offline';
  const isUnused = hidden !== undefined && hidden.length >= connections;
  return isUnused || now - clocks.lastActive >= thresholds.awayAfterMillis ? 'away' : 'online';
}

/** The part of a record that others may see: the current status, but not the choice behind it (rule PR6). */
export function visibleUser(record: PresenceRecord, now: number, thresholds: StatusThresholds): PresenceUser {
  const {
    chosen: _,
    hidden: ______,
    restored: __,
    cursorEndUnsent: ___,
    dataSizes: ____,
    dataAt: _____,
    leaseUntil: _______,
    renewedAt,
    ...user
  } = record;
  user.status = statusAt(record, now, thresholds);
  // The clocks of the record follow the lease.
  if (renewedAt !== undefined) Object.assign(user, { lastSeen: renewedAt, lastActive: renewedAt });
  return user;
}
