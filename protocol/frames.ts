import type {
  ActivityItem,
  Cursor,
  LeaveCause,
  Machine,
  PresenceUser,
  Role,
  Session,
  SessionParticipant,
  SessionStatus,
  Stay,
} from './entities.ts';
import type { ErrorCode } from './errors.ts';

/** The subprotocol the server selects; the second one a client offers carries its token, `bearer.<jwt>`. */
export const subprotocol = 'rollcall.v1';
export const bearerPrefix = 'bearer.';
/** Name of the stage, on AWS and on one machine. */
export const stageName = 'live';

/**
 * Fields of a user that changed; absent means unchanged, `null` means removed.
 *
 * `lastActive` is there where `cursor` is `null`: frames may overtake one another, so a cursor whose `at` is later stays.
 */
export type PresenceChange = { userId: string } & {
  [K in 'username' | 'role' | 'status' | 'connections' | 'lastActive']?: PresenceUser[K];
} & { activity?: string | null; cursor?: Cursor | null };

export interface CursorUpdate {
  userId: string;
  cursor: Cursor;
  /** When the server received it. */
  at: number;
}

/** What a part of something too large for one frame says; all of them count once the last has arrived. */
export interface Parts {
  part?: number;
  parts?: number;
  /** Names the whole that a part belongs to: two answers to the same question may differ, and their parts never mix. */
  snapshotId?: string;
}

interface Snapshot extends Parts {
  sessionId: string;
  /** Names one unbroken count of diffs; a different one means that everything known is to be replaced. */
  epoch: string;
  /** Number of the last diff that is contained. */
  seq: number;
  users: PresenceUser[];
}

/** Every frame the server sends, by its `type`. */
export interface ServerFrames {
  welcome: {
    connectionId: string;
    userId: string;
    username: string;
    heartbeatSeconds: number;
    timeoutSeconds: number;
    awaySeconds: number;
    batchMillis: number;
    rolloverSeconds: number;
    serverTime: number;
    /** Only where the client asked for one. */
    format?: 'json' | 'compact';
  };
  pong: { serverTime: number };
  session_created: Omit<Snapshot, 'sessionId'> & { session: Session };
  session_joined: Omit<Snapshot, 'sessionId'> & { session: Session; role: Role };
  session_left: { sessionId: string };
  session_ended: { sessionId: string; reason: string };
  session_recovered: { session: Session };
  session_expiring: { sessionId: string; expiresAt: number };
  session_expired: { sessionId: string; reason: string };
  session_removed: { sessionId: string; reason: string };
  session_updated: { sessionId: string; session: Session };
  session_activity: { sessionId: string; active: boolean; activeAt: number };
  presence_state: Snapshot;
  presence_diff: {
    sessionId: string;
    epoch: string;
    seq: number;
    joins: PresenceUser[];
    updates: PresenceChange[];
    leaves: { userId: string; cause: LeaveCause }[];
  };
  cursors: { sessionId: string; cursors: CursorUpdate[] };
  participants: { sessionId: string; participants: SessionParticipant[] } & Parts;
  participant_updated: { sessionId: string; participant: SessionParticipant };
  invite_created: { sessionId: string; inviteId: string; invite: string; expiresAt: number };
  activity_logged: { activityId: string };
  activity_page: { sessionId: string; items: ActivityItem[]; next?: string };
  presence_history: { sessionId: string; at: number; stays: Stay[] };
  activity: { sessionId: string; activity: ActivityItem };
  machine_registered: { machine: Machine };
  machines: { machines: Machine[] } & Parts;
  machine_activity: { machineId: string; active: boolean; activeAt: number };
  ack: object;
  error: { code: ErrorCode; message: string; retryable: boolean; retryAfterMillis?: number };
}

export type ServerFrameType = keyof ServerFrames;

/** A frame as it is sent; replies repeat the `requestId` of their request. */
export type ServerFrame<T extends ServerFrameType = ServerFrameType> = {
  [K in T]: { type: K; requestId?: string } & ServerFrames[K];
}[T];

export type { SessionStatus };
