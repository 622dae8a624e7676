import type { LeaveCause, PresenceUser } from '../../protocol/entities.ts';
import type { PresenceChange } from '../../protocol/frames.ts';
import { type PresenceRecord, type StatusThresholds, visibleUser } from './status.ts';

/** A connection that receives frames, and whose it is. */
export interface Receiver {
  userId: string;
  connectionId: string;
}

export interface Leave {
  userId: string;
  cause: LeaveCause;
}

/** What a presence script did: the numbered change and who has to hear of it. */
export interface PresenceOutcome {
  epoch: string;
  seq: number;
  joins: PresenceUser[];
  updates: PresenceChange[];
  leaves: Leave[];
  /** Empty where nothing changed or nobody else is there. */
  receivers: Receiver[];
}

/** An answer of a script as ioredis returns it. */
export type ScriptReply = [
  code: string,
  epoch: string,
  seq: number,
  joins: string[],
  updates: string[],
  leaves: string[],
  causes: LeaveCause[],
  receivers: string[],
  extra: unknown[],
];

/** Reads an answer whose code is `ok`. */
export function readOutcome(reply: ScriptReply, now: number, thresholds: StatusThresholds): PresenceOutcome {
  const [, epoch, seq, joins, updates, leaves, causes, receivers] = reply;
  return {
    epoch,
    seq,
    joins: joins.map((text) => visibleUser(JSON.parse(text) as PresenceRecord, now, thresholds)),
    updates: updates.map((text) => JSON.parse(text) as PresenceChange),
    leaves: leaves.map((userId, index) => ({ userId, cause: causes[index]! })),
    receivers: receivers.map(readReceiver),
  };
}

/** Reads `<user>:<connection>`, the form of a receiver in Redis. */
export function readReceiver(member: string): Receiver {
  const [userId = '', connectionId = ''] = member.split(':');
  return { userId, connectionId };
}

/** Whether an outcome holds a change that has to be sent. */
export function hasNews(outcome: PresenceOutcome): boolean {
  return outcome.receivers.length > 0 && outcome.joins.length + outcome.updates.length + outcome.leaves.length > 0;
}
