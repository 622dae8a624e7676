import { randomBytes } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { Cursor, LeaveCause, PresenceUser, Role, Status } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import type { Timings } from '../../protocol/timings.ts';
import { presenceKeys, scriptKeys } from './keys.ts';
import { type PresenceOutcome, type Receiver, readOutcome, readReceiver, type ScriptReply } from './outcome.ts';
import { type PresenceScript, presenceScripts } from './scripts/scripts.ts';
import { type PresenceRecord, visibleUser } from './status.ts';

/** One socket in one session. An empty `connectionId` is a presence without a socket, which receives nothing. */
export interface Seat {
  sessionId: string;
  userId: string;
  connectionId: string;
}

/** What a frame says about its sender. */
export interface Touch {
  kind: 'heartbeat' | 'cursor' | 'update';
  /** Heartbeats only: no user activity since the last one. */
  idle?: boolean | undefined;
  cursor?: Cursor | undefined;
  status?: Status | undefined;
  /** `null` removes it, absent leaves it. */
  activity?: string | null | undefined;
}

export interface TouchOutcome extends PresenceOutcome {
  /** Who gets the sender's cursor; empty where it did not move. */
  cursorReceivers: Receiver[];
  /** Whether somebody in the session is overdue, so that the sweep should come now. */
  overdue: boolean;
}

export interface EnterOutcome extends PresenceOutcome {
  /** Whether this was the user's first connection. */
  first: boolean;
  users: PresenceUser[];
}

export interface Departure {
  userId: string;
  cause: LeaveCause;
  /** When it was found. */
  at: number;
  joinedAt?: number;
}

export interface VisitOutcome extends PresenceOutcome {
  /** When something becomes due next; undefined where nobody is left. */
  nextDeadline: number | undefined;
  /** Leaves that are not yet written down, oldest first; see `forgetDepartures`. */
  departures: Departure[];
  /** Who is there, with the last sign of life of each. */
  sightings: { userId: string; at: number }[];
}

/** Departures a visit hands out at most. */
export const departuresPerVisit = 100;

const bookkeepingMillis = 60 * 60 * 1000;

type ScriptRunner = Record<string, (...parameters: (string | number)[]) => Promise<ScriptReply | ['unknown']>>;

/**
 * Presence of sessions in Redis. Every method but the listed exceptions is one script, that is one round trip
 * (rule PR14). Times are Unix milliseconds of the server.
 */
export class PresenceStore {
  readonly #redis: Redis | Cluster;
  readonly #timings: Timings;

  constructor(redis: Redis | Cluster, timings: Timings) {
    this.#redis = redis;
    this.#timings = timings;
    for (const [name, lua] of Object.entries(presenceScripts)) {
      if (!(commandName(name) in redis))
        redis.defineCommand(commandName(name), { numberOfKeys: scriptKeys('').length, lua });
    }
  }

  /** Records a frame. Undefined where Redis does not know the seat. */
  async touch(seat: Seat, touch: Touch, now: number): Promise<TouchOutcome | undefined> {
    const reply = await this.#run('touch', seat.sessionId, now, [
      seat.userId,
      seat.connectionId,
      touch.kind,
      touch.idle ? '1' : '0',
      touch.cursor === undefined ? '' : JSON.stringify(touch.cursor),
      touch.status ?? '',
      touch.activity === undefined ? '' : JSON.stringify(touch.activity),
    ]);
    if (!reply) return undefined;
    const [audience, overdue] = reply[8] as [string[], number];
    return {
      ...readOutcome(reply, now, this.#timings),
      cursorReceivers: audience.map(readReceiver),
      overdue: overdue > 0,
    };
  }

  /** Seats a connection; harmless when it sits already. */
  async enter(seat: Seat, person: { username: string; role: Role }, now: number): Promise<EnterOutcome> {
    const parameters = [seat.userId, seat.connectionId, person.username, person.role];
    const reply = (await this.#run('enter', seat.sessionId, now, parameters))!;
    const [first, records] = reply[8] as [string, string[]];
    return { ...readOutcome(reply, now, this.#timings), first: first === '1', users: this.#users(records, now) };
  }

  /** Ends a seat at once. `removed` tells whether it existed. */
  async depart(seat: Seat, cause: LeaveCause, now: number): Promise<PresenceOutcome & { removed: boolean }> {
    const reply = (await this.#run('depart', seat.sessionId, now, [seat.userId, seat.connectionId, cause]))!;
    return { ...readOutcome(reply, now, this.#timings), removed: reply[8][0] === 1 };
  }

  /** Starts the grace of a seat whose socket ended. False where the seat is not known. */
  async close(seat: Seat, deadline: number, cause: LeaveCause, now: number): Promise<boolean> {
    const parameters = [seat.userId, seat.connectionId, Math.round(deadline), cause];
    const reply = (await this.#run('close', seat.sessionId, now, parameters))!;
    return reply[8][0] === 1;
  }

  /**
   * Everybody in the session, the offline included. With a seat it is also a sign of life, and undefined where Redis
   * does not know the seat.
   */
  async list(
    sessionId: string,
    now: number,
    seat?: Seat,
  ): Promise<(PresenceOutcome & { users: PresenceUser[] }) | undefined> {
    const reply = await this.#run('list', sessionId, now, [seat?.userId ?? '', seat?.connectionId ?? '']);
    if (!reply) return undefined;
    return { ...readOutcome(reply, now, this.#timings), users: this.#users(reply[8][0] as string[], now) };
  }

  /** Ends what is due in a session and says when to look again. */
  async visit(sessionId: string, now: number): Promise<VisitOutcome> {
    const reply = (await this.#run('visit', sessionId, now, [departuresPerVisit]))!;
    const [next, departures, seen] = reply[8] as [string, string[], string[]];
    return {
      ...readOutcome(reply, now, this.#timings),
      nextDeadline: next === '' ? undefined : Number(next),
      departures: departures.map((text) => JSON.parse(text) as Departure),
      sightings: pairs(seen).map(([userId, at]) => ({ userId, at: Number(at) })),
    };
  }

  /** Drops the oldest departures once they are written down elsewhere. */
  async forgetDepartures(sessionId: string, count: number): Promise<void> {
    if (count > 0) await this.#redis.ltrim(presenceKeys.departed(sessionId), count, -1);
  }

  /** Takes a user, or everybody, out of a session. `ended` are the connections that were seated. */
  async evict(
    sessionId: string,
    userId: string | undefined,
    cause: LeaveCause,
    now: number,
  ): Promise<PresenceOutcome & { ended: Receiver[] }> {
    const reply = (await this.#run('evict', sessionId, now, [userId ?? '', cause]))!;
    return { ...readOutcome(reply, now, this.#timings), ended: (reply[8][0] as string[]).map(readReceiver) };
  }

  /** Changes the role that others see. */
  async relabel(sessionId: string, userId: string, role: Role, now: number): Promise<PresenceOutcome> {
    const reply = (await this.#run('relabel', sessionId, now, [userId, role]))!;
    return readOutcome(reply, now, this.#timings);
  }

  /** The last sign of life of anybody in the session, Unix milliseconds; undefined where nobody is. */
  async lastSign(sessionId: string): Promise<number | undefined> {
    const newest = await this.#redis.zrange(presenceKeys.users(sessionId), '0', '0', 'REV', 'WITHSCORES').catch(refuse);
    return newest[1] === undefined ? undefined : Number(newest[1]);
  }

  /** The connections that receive the session's frames. */
  async receivers(sessionId: string): Promise<Receiver[]> {
    const members = await this.#redis.zrange(presenceKeys.connections(sessionId), '0', '-1').catch(refuse);
    return members.map(readReceiver).filter((receiver) => receiver.connectionId !== '');
  }

  async #run(
    script: PresenceScript,
    sessionId: string,
    now: number,
    parameters: (string | number)[],
  ): Promise<ScriptReply | undefined> {
    const { offlineAfterMillis, awayAfterMillis } = this.#timings;
    const call = (this.#redis as unknown as ScriptRunner)[commandName(script)]!(
      ...scriptKeys(sessionId),
      ...[presenceKeys.recordPrefix(sessionId), presenceKeys.channel(sessionId), sessionId],
      ...[Math.round(now), Math.round(offlineAfterMillis), Math.round(awayAfterMillis)],
      ...[randomBytes(6).toString('hex'), Math.max(bookkeepingMillis, 2 * Math.round(offlineAfterMillis))],
      ...parameters,
    );
    const reply = await call.catch(refuse);
    return reply[0] === 'unknown' ? undefined : (reply as ScriptReply);
  }

  #users(records: string[], now: number): PresenceUser[] {
    return records.map((text) => visibleUser(JSON.parse(text) as PresenceRecord, now, this.#timings));
  }
}

/** Members and scores come as one flat list. */
function pairs(flat: string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index]!, flat[2 * index + 1]!]);
}

/** Redis has commands of its own with some of these names (`TOUCH`, …). */
function commandName(script: string): string {
  return `presence_${script}`;
}

/** Answers of a server that is there but cannot serve: starting, failing over, resharding. */
const passingRefusals = /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|OOM)/;

/** A Redis that is away is a refusal the client may retry; an error in a script is a bug and stays one. */
function refuse(error: Error): never {
  if (error.name === 'ReplyError' && !passingRefusals.test(error.message)) throw error;
  throw new RollcallError('UNAVAILABLE', 'Presence is not available for a moment; try again shortly.', {
    cause: error,
    retryAfterMillis: 1000,
  });
}
