import type { ActivityItem } from '../protocol/entities.ts';
import type { RollcallError } from './errors.ts';
import type { Broadcast, Leave, SessionState, Types, User, UserCursor } from './types.ts';

/** The events of a session and what their listeners are given. */
export interface SessionEvents<T extends Types = Types> {
  /** Somebody else came. */
  joined: { readonly user: User<T> };
  /** Somebody else left, and why. */
  left: Leave<T>;
  /** Something of a person changed: status, activity, data, role, name or the number of their connections. */
  updated: { readonly user: User<T> };
  /** Others' cursors moved; these are all that are shown now. */
  cursors: readonly UserCursor<T>[];
  /** An ephemeral event of somebody else. */
  broadcast: Broadcast<T>;
  /** Another connection wrote something into the audit trail that this person may see. */
  activity: ActivityItem;
  state: SessionState;
  /** The session ends at this time (Unix milliseconds) unless somebody does something. */
  expiring: { readonly expiresAt: number };
  /** The session ended because nobody did anything; its owner can `recover` it for a while. */
  expired: { readonly reason: string };
  /** The owner ended the session. */
  ended: { readonly reason: string };
  /** The owner took this person out. */
  removed: { readonly reason: string };
  /** Something this client tried in the background failed, such as telling a status. */
  error: RollcallError;
}
