import { isIP } from 'node:net';
import { v7 as uuidv7 } from 'uuid';
import type { ActivityItem } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { isUuid } from '../../protocol/uuid.ts';
import { sanitizeJson, sanitizeText } from './sanitize-for-postgres.ts';

/** The connection that an activity came from, and whether it may be a retry (rule AC6). */
export interface ActivityContext {
  ipAddress?: string | null;
  userAgent?: string | null;
  /** Name of the user at that moment. The name of a guest is kept only here once the session is purged. */
  username?: string | null;
  /** An id that the sender chose. A retry with the same id writes no second entry. */
  activityId?: string;
  /**
   * Whether the outbox may hold an earlier attempt with the same `activityId`. If so, the outbox is read, and the first
   * attempt counts (rule AC7).
   */
  mayRepeat?: boolean;
  /** When it happened, Unix milliseconds; now by default. Only the server sets it. */
  at?: number;
}

export type ActivityDetails = Record<string, unknown>;

/** All data of one entry of the audit trail, as `queueActivity` takes it. */
export interface ActivityParams extends ActivityContext {
  sessionId: string;
  /** The id of a user or the anonymous id of a guest; null if the server did it by itself. */
  userId: string | null;
  type: string;
  details?: ActivityDetails;
}

/** An entry that is ready to be stored: PostgreSQL accepts every field as it is. */
export interface ActivityEntry {
  id: string;
  sessionId: string;
  userId: string | null;
  username: string | null;
  activityType: string;
  /** JSON of an object. */
  details: string;
  ipAddress: string | null;
  userAgent: string | null;
  createdAt: number;
  /** Present if the sender chose the id: a retry may come, so the outbox must find the entry by its id (rule AC7). */
  isRepeatable?: true;
}

const userAgentCharacters = 1000;

/**
 * Makes the entry of an activity. The server's ids are UUIDv7: new ids are next to each other in the index, and of two
 * entries of the same millisecond the later one has the higher id.
 *
 * @param now the time of the entry if the activity has none, Unix milliseconds.
 * @throws RollcallError INVALID_MESSAGE or TOO_LARGE if the activity can never be stored.
 */
export function makeEntry(params: ActivityParams, now: number): ActivityEntry {
  const { sessionId, userId, type, activityId } = params;
  if (!isUuid(sessionId)) throw new RollcallError('INVALID_MESSAGE', 'The session id of an activity must be a UUID.');
  if (userId !== null && !isUuid(userId)) {
    throw new RollcallError('INVALID_MESSAGE', 'The user id of an activity must be a UUID.');
  }
  if (activityId !== undefined && !isUuid(activityId)) {
    throw new RollcallError(
      'INVALID_MESSAGE',
      'The activityId must be a UUID. Send a UUID, or leave activityId out to get one.',
    );
  }
  const createdAt = Math.trunc(params.at ?? now);
  return {
    id: activityId?.toLowerCase() ?? uuidv7(),
    sessionId: sessionId.toLowerCase(),
    userId: userId?.toLowerCase() ?? null,
    username: params.username ? sanitizeText(params.username) : null,
    activityType: checkedType(type),
    details: checkedDetails(params.details ?? {}),
    ipAddress: params.ipAddress && isIP(params.ipAddress) !== 0 ? withoutZone(params.ipAddress) : null,
    userAgent: params.userAgent ? sanitizeText(params.userAgent).slice(0, userAgentCharacters).toWellFormed() : null,
    createdAt,
    ...(activityId === undefined ? {} : { isRepeatable: true }),
  };
}

/** The entry as clients see it. */
export function toItem({ isRepeatable: _, ...entry }: ActivityEntry): ActivityItem {
  return { ...entry, details: JSON.parse(entry.details) as ActivityDetails };
}

function checkedType(type: string): string {
  const text = sanitizeText(type);
  if (text.trim() === '') throw new RollcallError('INVALID_MESSAGE', 'An activity needs a type; name one.');
  if (text.length <= limits.activityTypeCharacters) return text;
  throw new RollcallError('TOO_LARGE', `An activity type has at most ${limits.activityTypeCharacters} characters.`);
}

function checkedDetails(details: ActivityDetails): string {
  const json = sanitizeJson(details);
  if (Buffer.byteLength(json) <= limits.detailsBytes) return json;
  throw new RollcallError('TOO_LARGE', `The details of an activity have at most ${limits.detailsBytes} bytes of JSON.`);
}

/** Node accepts `fe80::1%eth0` as an address, PostgreSQL does not. */
function withoutZone(address: string): string {
  return address.split('%')[0]!;
}
