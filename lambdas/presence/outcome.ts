import { type Cursor, type LeaveCause, type PresenceUser, type Role, roles } from '../../protocol/entities.ts';
import type { CursorUpdate, PresenceChange } from '../../protocol/frames.ts';
import type { ToldData } from '../platform/kept-data.ts';
import { dataOfMembers } from './person-data.ts';
import { type ChangeReply, decodeReply, type ScriptReply } from './scripts/script-call.ts';
import type { PresenceScript } from './scripts/script-table.ts';
import { type PresenceRecord, type StatusThresholds, visibleUser } from './status.ts';

/** A connection that receives frames, and whose it is. */
export interface Receiver {
  userId: string;
  connectionId: string;
  /** Whether it asked for the compact form of cursors. */
  compact?: boolean;
}

/** A cursor on its way out. */
export interface MovedCursor extends CursorUpdate {
  /** The mover's short name in this epoch. */
  index: number;
  /** Whether more than its numbers may be unknown to receivers of the compact form. */
  whole: boolean;
}

export interface Leave {
  userId: string;
  cause: LeaveCause;
}

/** Cursors that go out now, the latest of each user, and who gets them. */
export interface CursorBatch {
  /** Of the session; short names hold within it. */
  epoch: string;
  cursors: MovedCursor[];
  receivers: Receiver[];
}

/** Something waits for the end of a window, and this invocation is the one to send it then (rule DE3). */
export interface FlushPromise {
  /** Unix milliseconds. */
  endsAt: number;
  /** Whether the sweep has to be told to look after this session while something moves in it. */
  watch: boolean;
}

/** What a presence script did: the numbered change and who has to hear of it. */
export interface PresenceOutcome {
  epoch: string;
  /** The number of the diff, the last one where it has several parts. */
  seq: number;
  /** Frames, and numbers, the diff takes (rule DE7). */
  parts: number;
  joins: PresenceUser[];
  updates: PresenceChange[];
  leaves: Leave[];
  /** Empty where nothing changed, nobody else is there or it waits for a window. */
  receivers: Receiver[];
  promise?: FlushPromise | undefined;
  batch?: CursorBatch | undefined;
}

export interface TouchOutcome extends PresenceOutcome {
  /** When the last diff before this frame got its number, Unix milliseconds; 0 if there was none. Known for heartbeats only. */
  numberedAt: number;
  /** Whether somebody in the session is overdue, so that the sweep should come now. */
  overdue: boolean;
  /** What the user told of themselves, where this changed it. */
  told?: ToldData | undefined;
  /** When the status of the frame was taken, Unix milliseconds; absent where it had none, or a later frame decided. */
  chosenAt?: number | undefined;
}

/** Whom a broadcast reaches, provided that its sender may send one. */
export interface Addressed {
  isPermitted: boolean;
  receivers: Receiver[];
}

/** A movement that Redis keeps until it is written down elsewhere; see `PresenceStore.forget`. */
interface Kept {
  userId: string;
  /** When it came to be, Unix milliseconds. */
  at: number;
  /** As it stands on the list of what is kept. */
  text: string;
}

export interface Arrival extends Kept {
  username: string;
  role: Role;
  /** False where Redis may only have forgotten that they were there. */
  certain: boolean;
}

export interface Departure extends Kept {
  cause: LeaveCause;
  joinedAt?: number;
  /** Whether Redis knew of the stay from the connection table only. */
  restored?: boolean;
  /** Until when a join asked for the slot and gave it up, Unix milliseconds; see `PresenceStore.yieldSlot`. */
  joinedUntil?: number;
}

/** What an ending script did, and whom it ended: told at once or, in a large room, with the next window. */
export interface EndOutcome extends PresenceOutcome {
  departures: Departure[];
}

export interface EnterOutcome extends PresenceOutcome {
  /** Whether this was the user's first connection. */
  first: boolean;
  users: PresenceUser[];
  /** The arrival that has to be written down, where this was one. */
  arrival?: Arrival | undefined;
  /** What the user told of themselves, now or before. */
  told?: ToldData | undefined;
}

export interface VisitOutcome extends EndOutcome {
  /** When something becomes due next; undefined where nobody is left. */
  nextDeadline: number | undefined;
  /** Arrivals that are not yet written down, oldest first, as `departures` are. */
  arrivals: Arrival[];
  /** Who is there, with the last sign of life of each. */
  lastSeen: { userId: string; at: number }[];
  /** Whether something moves here, so that the sweep has to watch the windows (rule DE3). */
  moves: boolean;
}

/** What a script replies about a session that Redis does not know. */
export function unknownReply<Script extends PresenceScript>(script: Script): ScriptReply<Script> {
  return decodeReply(script, ['ok', '', 0, 0, [], [], [], [], [], [], [], '']);
}

/** Reads what a script put on the list of what is to be written down. */
export function readKept<T extends Arrival | Departure>(texts: readonly string[]): T[] {
  return texts.map((text) => ({ ...(JSON.parse(text) as T), text }));
}

/** Whether Redis did not know the session: nobody was ever there, or it forgot them. */
export function isUnknown(outcome: Pick<PresenceOutcome, 'epoch'>): boolean {
  return outcome.epoch === '';
}

/** Reads an answer. */
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

/** Reads the answer to a sweep's visit. */
export function readVisit(reply: ScriptReply<'visit'>, now: number, thresholds: StatusThresholds): VisitOutcome {
  const { nextDeadline = '', journal = [], lastSeen = [], cursors = [], cursorReceivers = [], moves = 0 } = reply.extra;
  const entries = readKept<Arrival & Departure & { came?: true }>(journal);
  return {
    ...readOutcome(reply, now, thresholds),
    batch: readBatch(reply.epoch, cursors, cursorReceivers),
    nextDeadline: nextDeadline === '' ? undefined : Number(nextDeadline),
    arrivals: entries.filter(({ came }) => came),
    departures: entries.filter(({ came }) => !came),
    lastSeen: pairs(lastSeen).map(([userId, at]) => ({ userId, at: Number(at) })),
    moves: moves === 1,
  };
}

/**
 * The users of a snapshot as the one who asks may see them: without the cursors of others who are invisible, and of all
 * others where the session shows cursors from a higher role up (rule DE9). Nobody asking is the service itself.
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

/** Reads waiting cursors: user and `<time> <index> <whole> <cursor as JSON>` by turns. */
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

/** Redis answers pairs as one flat list. */
export function pairs(flat: string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index]!, flat[2 * index + 1]!]);
}

/** Whether an outcome holds a change that has to be sent. */
export function hasNews(outcome: PresenceOutcome): boolean {
  return outcome.receivers.length > 0 && outcome.joins.length + outcome.updates.length + outcome.leaves.length > 0;
}
