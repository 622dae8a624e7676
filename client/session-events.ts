import type { ActivityItem } from '../protocol/entities.ts';
import type { RollcallError } from './errors.ts';
import type { Broadcast, Leave, SessionState, Types, User, UserCursor } from './types.ts';

/** The events of a session and the values for their listeners. */
export interface SessionEvents<T extends Types = Types> {
  /** Another user joined. */
  joined: { readonly user: User<T> };
  /** Another user left; with the cause. */
  left: Leave<T>;
  /**
   * A user changed: status, activity, data, role, name or the number of their connections. A guest who signed in gets another
   * `userId`; then `guestId` is the one from before.
   */
  updated: { readonly user: User<T> };
  /** The cursors of others changed; the value has all present cursors. */
  cursors: readonly UserCursor<T>[];
  /** An ephemeral event of another user. */
  broadcast: Broadcast<T>;
  /** Another connection wrote an entry of the audit trail that this user may see. */
  activity: ActivityItem;
  state: SessionState;
  /** The session expires at this time (Unix milliseconds) unless a participant becomes active. */
  expiring: { readonly expiresAt: number; readonly early?: true };
  /** The session expired by inactivity; its owner can `recover` it within a day. */
  expired: { readonly reason: string };
  /** The owner ended the session. */
  ended: { readonly reason: string };
  /** The owner removed this user, or this guest signed in from another tab (`reason` is `signed_in`). */
  removed: { readonly reason: string };
  /** An operation in the background failed, such as a change of status. */
  error: RollcallError;
}
