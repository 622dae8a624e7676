import { randomUUID } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import type { LeaveCause, PresenceUser, Role } from '../../protocol/entities.ts';
import type { Timings } from '../../protocol/timings.ts';
import { Overtaken } from '../delivery/turn.ts';
import type { Entering } from './entering.ts';
import { touchParameters, turnParameters, versionParameters } from './frame-parameters.ts';
import { presenceKeys, scriptKeys } from './keys.ts';
import {
  type Arrival,
  type Departure,
  type EndOutcome,
  type EnterOutcome,
  nothingKnown,
  type PresenceOutcome,
  type Receiver,
  readBatch,
  readKept,
  readOutcome,
  readReceiver,
  readVisit,
  type ScriptReply,
  type TouchOutcome,
  usersFor,
  type VisitOutcome,
} from './outcome.ts';
import { readTold, saidParameter, type ToldReply, tooMuchData } from './person-data.ts';
import { tooFast } from './rate-limiter.ts';
import { answered } from './redis-failure.ts';
import { type Member, restoreParameters } from './restoration.ts';
import { commandName, type PresenceScript, presenceScripts } from './scripts/scripts.ts';
import type { Seat, Touch } from './seat.ts';
import { sparedMillis } from './spared.ts';
import { type PresenceRecord, visibleUser } from './status.ts';

export type { Seat, Touch } from './seat.ts';

/** Comings and goings a visit hands out at most. */
export const keptPerVisit = 100;
const bookkeepingMillis = 60 * 60 * 1000;

type ScriptAnswer = ScriptReply | ['unknown' | 'overtaken' | 'large'] | ['limited', number];
type ScriptRunner = Record<string, (...parameters: (string | number)[]) => Promise<ScriptAnswer>>;

/**
 * Presence of sessions in Redis. Every method but the listed exceptions is one script, that is one round trip
 * (rule PR14). Times are Unix milliseconds of the server. About a session that Redis does not know the answer is an
 * outcome without an epoch, see `isUnknown`.
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

  /**
   * Records a frame. Undefined where Redis does not know the seat.
   *
   * @throws RollcallError RATE_LIMITED for a frame too many, TOO_LARGE where the person would tell too much data.
   */
  async touch(seat: Seat, touch: Touch, now: number): Promise<TouchOutcome | undefined> {
    const reply = await this.#run('touch', seat.sessionId, now, touchParameters(seat, touch));
    if (!reply) return undefined;
    const [cursors, receivers, overdue, chosenAt, told] = reply[10] as [string[], string[], number, number, ToldReply];
    return {
      ...readOutcome(reply, now, this.#timings),
      batch: readBatch(reply[1], cursors, receivers),
      overdue: overdue > 0,
      told: readTold(told),
      chosenAt: chosenAt > 0 ? chosenAt : undefined,
    };
  }

  /** Records that a connection lives, and nothing else. A seat that Redis does not know is left to the next touch. */
  async notice(seat: Seat, now: number): Promise<void> {
    await this.#run('notice', seat.sessionId, now, [seat.userId, seat.connectionId]);
  }

  /** Takes what waits for the end of a window, if it still waits for the one who promised to (rule DE3). */
  async flush(sessionId: string, endsAt: number, now: number): Promise<PresenceOutcome> {
    const reply = (await this.#run('flush', sessionId, now, [endsAt])) ?? nothingKnown;
    const [cursors = [], receivers = []] = reply[10] as string[][];
    return { ...readOutcome(reply, now, this.#timings), batch: readBatch(reply[1], cursors, receivers) };
  }

  /** Makes the windows of a session longer for a while, after posts were throttled. */
  async stretch(sessionId: string, now: number): Promise<void> {
    await this.#run('stretch', sessionId, now, []);
  }

  /**
   * Seats a connection; harmless when it sits already.
   *
   * @throws RollcallError TOO_LARGE where the person would tell too much data.
   * @throws Overtaken where a later join or leave of the connection came before (rule PR18).
   */
  async enter(seat: Seat, person: Entering, now: number): Promise<EnterOutcome> {
    const { username, role, cursorRole = '', compact, place = '', invisible } = person;
    const known = [compact ? 'compact' : '', place, invisible ? '1' : '0'];
    const said = saidParameter(person.said ?? {}, person.kept);
    const turn = [...versionParameters(seat, person.version), ...turnParameters(seat, person.turn)];
    const parameters = [seat.userId, seat.connectionId, username, role, cursorRole, ...known, ...turn, said];
    const spared = await this.#spared();
    const reply = (await this.#run('enter', seat.sessionId, now, parameters, spared))!;
    const [first, records, coming, told] = reply[10] as [string, string[], string, ToldReply];
    return {
      ...readOutcome(reply, now, this.#timings),
      first: first === '1',
      arrival: coming === '' ? undefined : readKept<Arrival>([coming])[0],
      users: usersFor(seat.userId, this.#users(records, now, spared), reply[11]),
      told: readTold(told),
    };
  }

  /**
   * Ends a seat at once. `removed` tells whether it existed.
   *
   * @param version the number of the leave in the connection table, see `Membership.version`.
   * @throws Overtaken where a later join or leave of the connection came before (rule PR18).
   */
  async depart(
    seat: Seat,
    cause: LeaveCause,
    now: number,
    version?: number,
  ): Promise<EndOutcome & { removed: boolean }> {
    const parameters = [seat.userId, seat.connectionId, cause, ...versionParameters(seat, version)];
    const reply = (await this.#run('depart', seat.sessionId, now, parameters, await this.#spared())) ?? nothingKnown;
    return { ...this.#ended(reply, now), removed: reply[10][0] === 1 };
  }

  /** Starts the grace of a seat whose socket ended. False where the seat is not known. */
  async close(seat: Seat, deadline: number, cause: LeaveCause, now: number): Promise<boolean> {
    const parameters = [seat.userId, seat.connectionId, Math.round(deadline), cause];
    const reply = (await this.#run('close', seat.sessionId, now, parameters)) ?? nothingKnown;
    return reply[10][0] === 1;
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
    const spared = await this.#spared();
    const reply = await this.#run('list', sessionId, now, [seat?.userId ?? '', seat?.connectionId ?? ''], spared);
    if (!reply) return undefined;
    return {
      ...readOutcome(reply, now, this.#timings),
      users: usersFor(seat?.userId ?? '', this.#users(reply[10][0] as string[], now, spared), reply[11]),
    };
  }

  /** Ends what is due in a session and says when to look again. */
  async visit(sessionId: string, now: number): Promise<VisitOutcome> {
    const reply = (await this.#run('visit', sessionId, now, [keptPerVisit], await this.#spared())) ?? nothingKnown;
    return readVisit(reply, now, this.#timings);
  }

  /** Whether the sweep has to go on watching the windows of a session; false where nothing moves there any more. */
  async keepWatch(sessionId: string, now: number): Promise<boolean> {
    const reply = await this.#run('keepWatch', sessionId, now, []);
    return reply?.[10][0] === 1;
  }

  /** Drops comings and goings that are written down elsewhere. */
  async forget(sessionId: string, written: readonly (Arrival | Departure)[]): Promise<void> {
    const key = presenceKeys.departed(sessionId);
    await answered(this.#redis, () => Promise.all(written.map(({ text }) => this.#redis.lrem(key, 1, text))));
  }

  /** Takes a user, or everybody, out of a session. `ended` are the connections that were seated. */
  async evict(
    sessionId: string,
    userId: string | undefined,
    cause: LeaveCause,
    now: number,
  ): Promise<EndOutcome & { ended: Receiver[] }> {
    const reply = (await this.#run('evict', sessionId, now, [userId ?? '', cause])) ?? nothingKnown;
    return { ...this.#ended(reply, now), ended: ((reply[10][0] ?? []) as string[]).map(readReceiver) };
  }

  /** Changes the role that others see. */
  async relabel(sessionId: string, userId: string, role: Role, now: number): Promise<PresenceOutcome> {
    const reply = (await this.#run('relabel', sessionId, now, [userId, role])) ?? nothingKnown;
    return readOutcome(reply, now, this.#timings);
  }

  /** Whether a user has a seat, or a grace, in the session. */
  async isPresent(sessionId: string, userId: string): Promise<boolean> {
    return (await answered(this.#redis, () => this.#redis.zscore(presenceKeys.users(sessionId), userId))) !== null;
  }

  /**
   * A join gives up the place that it asked for before `now`.
   *
   * @returns true where the user is present: then the end of their presence gives the place back. Otherwise the caller does.
   *   Undefined where Redis does not know the session.
   */
  async yieldPlace(sessionId: string, userId: string, now: number): Promise<boolean | undefined> {
    const answer = await this.#run('yieldPlace', sessionId, now, [userId]);
    return answer && answer[10][0] === 1;
  }

  /**
   * Whether Redis holds the session, and all of it; it does for an hour after the last frame. One of which it evicted a
   * part is to be restored like one that it forgot.
   */
  async isKnown(sessionId: string, now = Date.now()): Promise<boolean> {
    return (await this.#run('look', sessionId, now, [])) !== undefined;
  }

  /**
   * Seats again whom the connection table knows, and takes out silent seats that it does not know. Undefined where
   * nothing was to be done: with `onlyIfLost` a session that Redis knows is left alone.
   */
  async restore(
    sessionId: string,
    members: readonly Member[],
    now: number,
    options: { onlyIfLost: boolean },
  ): Promise<PresenceOutcome | undefined> {
    const parameters = restoreParameters(members, now, this.#timings.offlineAfterMillis, options.onlyIfLost);
    const reply = (await this.#run('restore', sessionId, now, parameters))!;
    return reply[10][0] === 1 ? readOutcome(reply, now, this.#timings) : undefined;
  }

  /** The last sign of life of anybody in the session, Unix milliseconds; undefined where nobody is. */
  async lastSign(sessionId: string): Promise<number | undefined> {
    const newest = await answered(this.#redis, () =>
      this.#redis.zrange(presenceKeys.users(sessionId), '0', '0', 'REV', 'WITHSCORES'),
    );
    return newest[1] === undefined ? undefined : Number(newest[1]);
  }

  /** The connections that receive the session's frames. */
  async receivers(sessionId: string): Promise<Receiver[]> {
    const members = await answered(this.#redis, () =>
      this.#redis.zrange(presenceKeys.connections(sessionId), '0', '-1'),
    );
    return members.map(readReceiver).filter((receiver) => receiver.connectionId !== '');
  }

  async #run(
    script: PresenceScript,
    sessionId: string,
    now: number,
    parameters: (string | number)[],
    spared = 0,
  ): Promise<ScriptReply | undefined> {
    const { offlineAfterMillis, awayAfterMillis, batchMillis, batchMaxMessages } = this.#timings;
    const run = (this.#redis as unknown as ScriptRunner)[commandName(script)]!.bind(
      this.#redis,
      ...scriptKeys(sessionId),
      ...[presenceKeys.recordPrefix(sessionId), presenceKeys.channel(sessionId), sessionId],
      ...[Math.round(now), Math.round(offlineAfterMillis), Math.round(awayAfterMillis)],
      ...[randomUUID().slice(-12), Math.max(bookkeepingMillis, 2 * Math.round(offlineAfterMillis))],
      ...[Math.round(batchMillis), batchMaxMessages, spared],
      ...parameters,
    );
    const reply = await answered(this.#redis, run);
    if (reply[0] === 'large') throw tooMuchData();
    if (reply[0] === 'limited') throw tooFast(reply[1]);
    if (reply[0] === 'overtaken') throw new Overtaken();
    return reply[0] === 'ok' ? reply : undefined;
  }

  /** Whether Redis was away a moment ago, so that it may not know who joined meanwhile. */
  async isInDoubt(): Promise<boolean> {
    return (await this.#spared()) > 0;
  }

  #spared(): Promise<number> {
    return sparedMillis(this.#redis, this.#timings.offlineAfterMillis);
  }

  #ended(reply: ScriptReply, now: number): EndOutcome {
    const departures = readKept<Departure>((reply[10][1] ?? []) as string[]);
    return { ...readOutcome(reply, now, this.#timings), departures };
  }

  /** Who was spared is not offline yet; that they are away was told, though. */
  #users(records: string[], now: number, spared: number): PresenceUser[] {
    const timings = { ...this.#timings, offlineAfterMillis: this.#timings.offlineAfterMillis + spared };
    return records.map((text) => visibleUser(JSON.parse(text) as PresenceRecord, now, timings));
  }
}
