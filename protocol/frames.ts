import type {
  ActivityItem,
  Cursor,
  LeaveCause,
  Machine,
  PersonData,
  PresenceUser,
  Role,
  Session,
  SessionParticipant,
  SessionStatus,
  Stay,
} from './entities.ts';
import type { ErrorCode } from './errors.ts';
import type { ServiceFigures } from './figures.ts';

/** The subprotocol that the server selects. A client also offers `bearer.<jwt>`, which contains its token. */
export const subprotocol = 'rollcall.v1';
export const bearerPrefix = 'bearer.';
/** Name of the stage, on AWS and in the local stack. */
export const stageName = 'live';

/**
 * The changed fields of a user. An absent field is unchanged; `null` means removed.
 *
 * `data` holds the changed keys only; a key with the value `null` was removed.
 *
 * If `cursor` is `null`, `lastActive` is present. Frames may overtake one another, so a cursor with a later `at` is kept.
 */
export type PresenceChange = { userId: string } & {
  [K in 'username' | 'role' | 'status' | 'connections' | 'lastActive' | 'guestId']?: PresenceUser[K];
} & { activity?: string | null; onBehalfOf?: string | null; cursor?: Cursor | null; data?: PersonData };

export interface CursorUpdate {
  userId: string;
  cursor: Cursor;
  /** When the server received it. */
  at: number;
}

/** Fields of a frame that is one part of something larger. A client uses the parts only after all have arrived. */
export interface Parts {
  part?: number;
  parts?: number;
  /**
   * Identifies the whole that a part belongs to. Two answers to one request may differ, so their parts must not be
   * mixed.
   */
  snapshotId?: string;
}

interface Snapshot extends Parts {
  sessionId: string;
  /** The epoch. If it differs from the client's, the client replaces its whole state. */
  epoch: string;
  /** Number of the last diff that the snapshot contains. */
  seq: number;
  users: PresenceUser[];
}

/** All frames that the server sends, by `type`. */
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
    /** Only if the client asked for a format. */
    format?: 'json' | 'compact';
  };
  pong: { serverTime: number };
  session_created: Omit<Snapshot, 'sessionId'> & { session: Session };
  session_joined: Omit<Snapshot, 'sessionId'> & { session: Session; role: Role };
  session_opened: Omit<Snapshot, 'sessionId'> & { session: Session; role: Role; created: boolean };
  session_left: { sessionId: string };
  session_ended: { sessionId: string; reason: string };
  session_recovered: { session: Session };
  session_expiring: { sessionId: string; expiresAt: number; early?: true };
  session_expired: { sessionId: string; reason: string };
  session_removed: { sessionId: string; reason: string };
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
  /**
   * Cursors are sent this far apart now, because the service is near the bound of its bill. A client that sends cursors more often
   * only adds to the bill. It holds for so many seconds.
   */
  pace: { sessionId: string; cursorMillis: number; seconds: number };
  /**
   * An event of somebody else; it is stored nowhere. `at` is when the server received it. `kind` is present if no user sent it: a
   * program of the application did. Then `userId` is an id of its key, or with `agent` that of the agent.
   */
  broadcast: {
    sessionId: string;
    userId: string;
    event: string;
    payload?: unknown;
    at: number;
    kind?: 'server' | 'agent';
  };
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
  /** Figures of the whole service, for its operator. */
  figures: { figures: ServiceFigures };
  ack: object;
  /** `reference`: with `INTERNAL`, the id by which an operator finds the log lines. */
  error: { code: ErrorCode; message: string; retryable: boolean; retryAfterMillis?: number; reference?: string };
}

export type ServerFrameType = keyof ServerFrames;

/** A frame as it is sent. A reply has the `requestId` of its request. */
export type ServerFrame<T extends ServerFrameType = ServerFrameType> = {
  [K in T]: { type: K; requestId?: string } & ServerFrames[K];
}[T];

export type { SessionStatus };
