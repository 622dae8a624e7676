import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Role } from '../../protocol/entities.ts';
import { connectionLifetimeMillis } from '../../protocol/timings.ts';
import type { KeptData } from '../platform/kept-data.ts';

/** Sort key of the item of the connection itself. */
export const connectionItem = '-';
/** An hour longer than a connection can last, because clocks may differ. The TTL only cleans up; no code depends on it. */
const keptMillis = connectionLifetimeMillis + 60 * 60 * 1000;

/** A connection that joined a session, with everything that is needed to seat it again while PostgreSQL is away. */
export interface Membership extends KeptData {
  connectionId: string;
  /** UUID of the session. */
  sessionId: string;
  sessionName: string;
  userId: string;
  username: string;
  role: Role;
  /** The role that the access claim of the connection's token gives. The owner cannot change it (rule SE12). */
  claimedRole?: Role | undefined;
  /** The least role that sees cursors in the session; undefined if everybody sees them. */
  cursorRole?: Role | undefined;
  /** The connection joined while Redis was away: the join is recorded, but the connection has no seat yet. */
  unseated?: boolean | undefined;
  /** Whether the user chose to be invisible in the session. If Redis loses that choice, it is restored from here (rule PR5). */
  invisible?: boolean | undefined;
  /** The id that the user had in the session as a guest (rule SE15). */
  guestId?: string | undefined;
  /** Present if the user is an agent, whose place this is (rule SA7). It has no connection. */
  agent?: AgentMark | undefined;
  joinedAt: number;
  /** Counts the joins and leaves of this connection in this session, in the order in which the table stored them. */
  version?: number | undefined;
}

/** What makes a user an agent: for whom it acts, which server key set it, and when its lease ends (Unix milliseconds). */
export interface AgentMark {
  onBehalfOf?: string;
  keyId: string;
  leaseUntil: number;
  /** When Redis stored the renewal, Unix milliseconds. Absent until the first renewal. */
  renewedAt?: number;
}

/** A user in a session on one connection. */
export type Seat = Pick<Membership, 'connectionId' | 'sessionId' | 'userId'>;

/** The result of a join. */
export interface Joined {
  membership: Membership;
  /** Whether the connection was not in the session before. */
  isNew: boolean;
  /** Whether the connection has never been in the session before. */
  isFirst: boolean;
  /** The data that the connection had in the session before, as JSON. */
  kept?: string | undefined;
}

/** The result of a leave. */
export interface Left {
  /** The version of the leave, see `Membership.version`. */
  version: number;
  /** Undefined if the connection was not in the session. */
  membership: Membership | undefined;
}

/** What each join and leave also stores in its item, so that a repeated attempt of the same write knows what it changed. */
export interface WriteRecord {
  /** The id of the write. */
  lastWrite?: string;
  /** The user of the membership before the write; empty if there was none. */
  userBefore?: string;
}

/** An item without the record of its last write. */
export function readItem(item: Record<string, AttributeValue>): Partial<Membership> {
  const { lastWrite: _, userBefore: __, ...known } = unmarshall(item);
  return known;
}

/**
 * The item before a write. The client of DynamoDB repeats a write whose answer is late. If the first attempt was stored, this
 * returns whether there was a membership before that attempt.
 */
export function itemBefore(item: Record<string, AttributeValue>, write: string): Partial<Membership> {
  const { lastWrite, userBefore } = unmarshall(item) as WriteRecord;
  const known = readItem(item);
  return lastWrite === write ? { ...known, userId: userBefore || undefined } : known;
}

/** The result of a join, by the fields of the item before it. The own state of the user stays, as `joinUpdate` stores it. */
export function joinedAfter(before: Partial<Membership>, membership: Membership): Joined {
  const { version: last, userId, data: kept } = before;
  const { data, dataAt } = kept === undefined ? membership : before;
  const invisible = membership.invisible ?? before.invisible;
  const version = (last ?? membership.joinedAt) + 1;
  const isNew = userId === undefined;
  const joined = { ...membership, invisible, data, dataAt, version };
  return { membership: joined, isNew, isFirst: isNew && last === undefined, kept };
}

/** False for the item of the connection itself and for a session that the connection left. */
export function isMembership({ sessionId, userId }: Partial<Membership>): boolean {
  return sessionId !== connectionItem && userId !== undefined;
}

/** The TTL of an item. DynamoDB expects seconds. */
export function expiry(from: number): number {
  return Math.floor((from + keptMillis) / 1000);
}
