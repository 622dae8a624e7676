/** The entities of Rollcall as they are in messages. Times are Unix milliseconds. */

import type { ActivityLink } from './audit-chain.ts';

export const roles = ['viewer', 'commenter', 'operator'] as const;
/** What a participant may do, in rising order [SE1]. The owner may do everything, whatever their role is. */
export type Role = (typeof roles)[number];

export const statuses = ['online', 'away', 'offline'] as const;
/** The status of a user, the most present first. */
export type Status = (typeof statuses)[number];

/**
 * Why a user left a session. The audit trail uses the same values. A guest with the cause `signed_in` is present on as a user, whose
 * `guestId` names them. The last two are for agents: the lease ended, or the program ended it.
 */
export type LeaveCause =
  | 'left'
  | 'disconnected'
  | 'timeout'
  | 'removed'
  | 'session_ended'
  | 'session_expired'
  | 'gone'
  | 'signed_in'
  | 'lease_ended'
  | 'agent_ended';

export type SessionStatus = 'active' | 'completed' | 'failed' | 'expired';

/** The position a user points at: any JSON object. Only the two named fields are checked, if present. */
export interface Cursor {
  eventId?: string;
  position?: number;
  [field: string]: unknown;
}

/** One user in a session, with all their connections. */
export interface PresenceUser {
  userId: string;
  username: string;
  role: Role;
  status: Status;
  /** Last sign of life of any connection. */
  lastSeen: number;
  /** Last user activity (cursor, activity text, status, a heartbeat not marked idle). */
  lastActive: number;
  joinedAt: number;
  /** The id that the user had as a guest, if they signed in while they were in the session. */
  guestId?: string;
  /** Present if the user is an agent: a program of the application, which has no connection. Only the server API sets it. */
  kind?: 'agent';
  /** The user for whom an agent acts; absent if it acts for nobody in particular. */
  onBehalfOf?: string;
  /** The number of the user within this epoch; the compact form uses it. */
  index?: number;
  /** How many live connections the user has in this session. */
  connections: number;
  cursor?: Cursor;
  activity?: string;
  /** The user's data: any JSON. Absent if they set none. */
  data?: PersonData;
}

/** A user's data in one session, by key. In a change, `null` removes a key. */
export type PersonData = Record<string, unknown>;

export interface Visibility {
  /** The lowest role that sees the cursors of others. */
  cursors?: Role;
  /** The lowest role that sees `activity` frames. */
  activity?: Role;
}

export interface SessionMetadata {
  title?: string;
  target?: string;
  objective?: string;
  isPublic?: boolean;
  maxParticipants?: number;
  visibility?: Visibility;
  [field: string]: unknown;
}

export interface Session {
  /** The UUID of the session, the value of `sessionId` in messages. */
  id: string;
  /** The human-readable unique name, `SESSION-YYYYMMDD-XXXX…`. */
  sessionId: string;
  operationId: string;
  /** The application's own id of what the session is about; absent if the session was not opened by one. */
  key?: string;
  ownerId: string;
  status: SessionStatus;
  target: string | null;
  objective: string | null;
  isPublic: boolean;
  maxParticipants: number;
  metadata: SessionMetadata;
  startTime: number;
  endTime: number | null;
  /** Liveness, independent of `status` [SE4]. */
  active: boolean;
  lastActiveAt: number;
  updatedAt: number;
}

export interface SessionParticipant {
  id: string;
  sessionId: string;
  /** Exactly one of `userId` and `anonymousId` is set. */
  userId: string | null;
  anonymousId: string | null;
  name: string | null;
  role: Role;
  isActive: boolean;
  joinedAt: number;
  lastSeenAt: number | null;
  leftAt: number | null;
  /** Present if the participant is an agent, with the user for whom it acts. */
  kind?: 'agent';
  onBehalfOf?: string;
}

export interface ActivityItem {
  id: string;
  sessionId: string;
  userId: string | null;
  username: string | null;
  activityType: string;
  details: Record<string, unknown>;
  ipAddress: string | null;
  userAgent: string | null;
  createdAt: number;
  /**
   * The entry's link in the hash chain of its session; `waiting` until it has one, for about a minute. Absent from an
   * entry that is sent at the moment of the activity, and from one that Rollcall did not write.
   */
  link?: ActivityLink | 'waiting';
}

/** A user's stay in a session, as the audit trail records it. */
export interface Stay {
  userId: string;
  username: string | null;
  role: string | null;
  joinedAt: number;
  /** Null if no end is recorded. */
  leftAt: number | null;
  /** Why the stay ended: a leave's cause, `timeout`, `session_ended` or `session_expired`. */
  cause: string | null;
  /** Present if it is the stay of an agent, with the user for whom it acted at the time that was asked for. */
  kind?: 'agent';
  onBehalfOf?: string;
}

export interface Machine {
  machineId: string;
  name: string;
  metadata: Record<string, unknown>;
  active: boolean;
  activeAt: number;
}
