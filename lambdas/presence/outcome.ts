import { type Cursor, type LeaveCause, type PresenceUser, type Role, roles } from '../../protocol/entities.ts';
import type { CursorUpdate, PresenceChange } from '../../protocol/frames.ts';
import type { ChangedData } from '../platform/kept-data.ts';
import { type AgentMark, dataOfMembers } from './person-data.ts';
import { type ChangeReply, decodeReply, type ScriptReply } from './scripts/script-call.ts';
import type { PresenceScript } from './scripts/script-table.ts';
import { type PresenceRecord, type StatusThresholds, visibleUser } from './status.ts';

/** A connection that receives frames, and its user. */
export interface Receiver {
  userId: string;
  connectionId: string;
  /** Whether the connection asked for the compact form of cursors. */
  compact?: boolean;
}

/** A cursor that has to be sent. */
export interface MovedCursor extends CursorUpdate {
  /** The short name of the user in this epoch. */
  index: number;
  /** Whether receivers of the compact form may lack more than the numbers of this cursor. */
  whole: boolean;
}

export interface Leave {
  userId: string;
  cause: LeaveCause;
}

/** Cursors that are sent now, the latest of each user, and their receivers. */
export interface CursorBatch {
  /** The epoch of the session. Short names are valid within it. */
  epoch: string;
  cursors: MovedCursor[];
  receivers: Receiver[];
}

/** Posts that failed for another reason than the end of their connection. */
export interface FailedPosts {
  /** Whether posts were answered with 429. */
  isThrottled: boolean;
  /** The users whose cursors did not reach every receiver. */
  movers: readonly string[];
}

/** This invocation is the flusher: it sends what waits for the end of the window (rule DE3). */
export interface FlushPromise {
  /** Unix milliseconds. */
  endsAt: number;
  /** Whether the sweep has to be told to watch the windows of this session. */
  watch: boolean;
}

/** What a presence script changed, with its number and its receivers. */
export interface PresenceOutcome {
  epoch: string;
  /** The number of the diff, or the last number if it has several parts. */
  seq: number;
  /** How many frames, and numbers, the diff needs (rule DE7). */
  parts: number;
  joins: PresenceUser[];
  updates: PresenceChange[];
  leaves: Leave[];
  /** Empty if nothing changed, nobody else is present, or the diff waits for a window. */
  receivers: Receiver[];
  promise?: FlushPromise | undefined;
  batch?: CursorBatch | undefined;
}

export interface TouchOutcome extends PresenceOutcome {
  /** When the last diff before this frame got its number, Unix milliseconds; 0 if there was none. Known for heartbeats only. */
  numberedAt: number;
  /** Whether a user of the session is overdue, so that the sweep has to visit it now. */
  overdue: boolean;
  /** The data of the user, if this frame changed it. */
  changedData?: ChangedData | undefined;
  /** When the status of the frame was stored, Unix milliseconds. Absent if it had none, or a later frame counts. */
  chosenAt?: number | undefined;
}

/** A movement in the movement journal; see `PresenceStore.forget`. */
interface Kept {
  userId: string;
  /** The time of the movement, Unix milliseconds. */
  at: number;
  /** The text of the movement in the journal. */
  text: string;
}

export interface Arrival extends Kept {
  username: string;
  role: Role;
  /** Present if the user is an agent. */
  agent?: Omit<AgentMark, 'leaseUntil'>;
  /**
   * When the join began that caused the arrival, Unix milliseconds. It names the arrival, so that a join that did not get the answer of
   * Redis writes the same entry.
   */
  requestedAt?: number;
  /**
   * When the previous stay ended, Unix milliseconds, if that leave was not removed from the journal yet. Another connection of the user
   * may have recorded the arrival since then.
   */
  after?: number;
  /** False if the user may have been present before and Redis forgot it. */
  certain: boolean;
}

export interface Departure extends Kept {
  cause: LeaveCause;
  kind?: 'agent';
  /** The server key that ended an agent. */
  keyId?: string;
  joinedAt?: number;
  /** Whether Redis knew of the stay from the connection table only. */
  restored?: boolean;
  /** A join that asked for the slot up to this time has given it up, Unix milliseconds; see `PresenceStore.yieldSlot`. */
  joinedUntil?: number;
}

/**
 * What a script changed that ends stays, and the departures. They are told at once or, in a large session, with the next
 * window.
 */
export interface EndOutcome extends PresenceOutcome {
  departures: Departure[];
}

export interface EnterOutcome extends PresenceOutcome {
  /** Whether this was the user's first connection. */
  first: boolean;
  users: PresenceUser[];
  /** The arrival that has to be recorded, if this was one. */
  arrival?: Arrival | undefined;
  /** The data of the user, from now or before. */
  changedData?: ChangedData | undefined;
}

export interface VisitOutcome extends EndOutcome {
  /** When something becomes due next; undefined if nobody is present. */
  nextDeadline: number | undefined;
  /** Arrivals that are not yet recorded, oldest first, like `departures`. */
  arrivals: Arrival[];
  /** The present users with the last sign of life and the shown role of each. The role is absent if Redis evicted it. */
  lastSeen: { userId: string; at: number; role?: Role | undefined }[];
  /** Whether something moves here, so that the sweep has to watch the windows (rule DE3). */
  moves: boolean;
  spending: Spending;
  /** How many of the present users are online; the others are away or invisible. */
  online: number;
  /** How many of the present users are agents. */
  agents: number;
}

/** What a script replies about a session that Redis does not know. */
export function unknownReply<Script extends PresenceScript>(script: Script): ScriptReply<Script> {
  return decodeReply(script, ['ok', '', 0, 0, [], [], [], [], [], [], [], '']);
}

/** Reads movements of the journal. */
export function readKept<T extends Arrival | Departure>(texts: readonly string[]): T[] {
  return texts.map((text) => ({ ...(JSON.parse(text) as T), text }));
}

/** What a session cost since the last report, and who has to be told of a restraint (rules CO3, CO4). */
export interface Spending {
  /** Messages of the clients. */
  received: number;
  /** Posts and answers to the clients, in billed messages. */
  sent: number;
  /** Receivers of a pace frame, and how far apart the posts of cursors are now, in milliseconds. */
  pace: { receivers: Receiver[]; cursorMillis: number } | undefined;
}

/** Reads what the scripts of the sweep reply about the cost of a session. */
export function readSpending({ metered = [0, 0], paced = [], cursorMillis = 0 }: Partial<SpendingReply>): Spending {
  const [received, sent] = metered;
  return { received, sent, pace: paced.length > 0 ? { receivers: paced.map(readReceiver), cursorMillis } : undefined };
}

type SpendingReply = ScriptReply<'keepWatch'>['extra'];

/** Whether Redis did not know the session: it never had users, or Redis forgot it. */
export function isUnknown(outcome: Pick<PresenceOutcome, 'epoch'>): boolean {
  return outcome.epoch === '';
}

/** Reads the reply of a script. */
export function readOutcome(reply: ChangeReply, now: number, thresholds: StatusThresholds): PresenceOutcome {
  const { epoch, seq, parts, joins, updates, leaves, causes, receivers, promised, cursorRole } = reply;
  return {
    epoch,
    seq,
    parts,
    joins: joins
      .map((text) => visibleUser(JSON.parse(text) as PresenceRecord, now, thresholds))
      .map((user) => (cursorRole || user.status === 'offline' ? withoutCursor(user) : user)),
    updates: updates.map(readChange),
    leaves: leaves.map((userId, index) => ({ userId, cause: causes[index]! })),
    receivers: receivers.map(readReceiver),
    promise: promised[0] === undefined ? undefined : { endsAt: promised[0], watch: promised[1] === 1 },
  };
}

function readChange(text: string): PresenceChange {
  const change = JSON.parse(text) as Omit<PresenceChange, 'data'> & { data?: string[] };
  const { data, ...fields } = change;
  return data ? { ...fields, data: dataOfMembers(data) } : fields;
}

/** Reads the reply of the script `visit`. */
export function readVisit(reply: ScriptReply<'visit'>, now: number, thresholds: StatusThresholds): VisitOutcome {
  const {
    nextDeadline = '',
    journal = [],
    lastSeen = [],
    roles: shown = [],
    cursors = [],
    cursorReceivers = [],
    moves = 0,
  } = reply.extra;
  const roleOf = new Map(pairs(shown) as [string, Role][]);
  const entries = readKept<Arrival & Departure & { came?: true }>(journal);
  return {
    ...readOutcome(reply, now, thresholds),
    batch: readBatch(reply.epoch, cursors, cursorReceivers),
    nextDeadline: nextDeadline === '' ? undefined : Number(nextDeadline),
    arrivals: entries.filter(({ came }) => came),
    departures: entries.filter(({ came }) => !came),
    lastSeen: pairs(lastSeen).map(([userId, at]) => ({ userId, at: Number(at), role: roleOf.get(userId) })),
    moves: moves === 1,
    spending: readSpending(reply.extra),
    online: reply.extra.online ?? 0,
    agents: reply.extra.agents ?? 0,
  };
}

/**
 * The users of a snapshot as one of them may see them: without the cursors of invisible users, and without all other cursors
 * if the session shows cursors only to a higher role (rule DE9). An empty asker is the service itself.
 */
export function usersFor(asker: string, users: PresenceUser[], cursorRole: Role | '' | undefined): PresenceUser[] {
  if (asker === '') return users;
  const role = users.find((user) => user.userId === asker)?.role;
  const mayLook = !cursorRole || (role && roles.indexOf(role) >= roles.indexOf(cursorRole));
  const shows = (user: PresenceUser) => user.userId === asker || (mayLook && user.status !== 'offline');
  return users.map((user) => (shows(user) ? user : withoutCursor(user)));
}

function withoutCursor({ cursor: _, ...user }: PresenceUser): PresenceUser {
  return user;
}

/** Reads waiting cursors: alternating the user and `<time> <index> <whole> <cursor as JSON>`. */
export function readBatch(epoch: string, cursors: string[], receivers: string[]): CursorBatch | undefined {
  if (cursors.length === 0) return undefined;
  return {
    epoch,
    cursors: pairs(cursors).map(([userId, text]) => {
      const [, at, index, whole, cursor = ''] = /^(\d+) (\d+) (\d) (.*)$/s.exec(text) ?? [];
      return {
        userId,
        cursor: JSON.parse(cursor) as Cursor,
        at: Number(at),
        index: Number(index),
        whole: whole === '1' || index === '0',
      };
    }),
    receivers: receivers.map(readReceiver),
  };
}

/** Reads `<user>:<connection>`, the form of a receiver in Redis; `:c` behind it marks the compact form. */
export function readReceiver(member: string): Receiver {
  const [userId = '', connectionId = '', form] = member.split(':');
  return form === 'c' ? { userId, connectionId, compact: true } : { userId, connectionId };
}

/** Redis returns pairs as one flat list. */
export function pairs(flat: string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index]!, flat[2 * index + 1]!]);
}

/** Whether an outcome holds a change that has to be sent. */
export function hasNews(outcome: PresenceOutcome): boolean {
  return outcome.receivers.length > 0 && outcome.joins.length + outcome.updates.length + outcome.leaves.length > 0;
}
