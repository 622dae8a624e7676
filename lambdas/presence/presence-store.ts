import type { Cluster, Redis } from 'ioredis';
import type { LeaveCause, PresenceUser, Role } from '../../protocol/entities.ts';
import type { Timings } from '../../protocol/timings.ts';
import { answered } from '../platform/redis-failure.ts';
import { type Entering, enteringArguments } from './entering.ts';
import { touchArguments, turnArguments, versionArguments } from './frame-parameters.ts';
import { presenceKeys } from './keys.ts';
import { outageAllowanceMillis } from './outage-allowance.ts';
import {
  type Arrival,
  type Departure,
  type EndOutcome,
  type EnterOutcome,
  type FailedPosts,
  type PresenceOutcome,
  type Receiver,
  readBatch,
  readKept,
  readOutcome,
  readReceiver,
  readSpending,
  readVisit,
  type Spending,
  type TouchOutcome,
  unknownReply,
  usersFor,
  type VisitOutcome,
} from './outcome.ts';
import { ownStateParameter, readChangedData } from './person-data.ts';
import { type Member, restoreArguments } from './restoration.ts';
import { ScriptRunner } from './script-runner.ts';
import type { ScriptReply } from './scripts/script-call.ts';
import { type Seat, seatIdOf, type Touch } from './seat.ts';
import { type PresenceRecord, visibleUser } from './status.ts';

export type { Seat, Touch } from './seat.ts';

/** The most movements that one visit returns. */
export const keptPerVisit = 100;

/**
 * Presence of sessions in Redis. Every method runs one script in one round trip, except the few that say otherwise (rule
 * PR14). Times are Unix milliseconds of the server. For a session that Redis does not know the result has no epoch, see
 * `isUnknown`.
 */
export class PresenceStore {
  readonly #redis: Redis | Cluster;
  readonly #timings: Timings;
  readonly #scripts: ScriptRunner;

  /** @param measured is told how long each script took, in milliseconds. */
  constructor(redis: Redis | Cluster, timings: Timings, measured?: (millis: number) => void) {
    this.#redis = redis;
    this.#timings = timings;
    this.#scripts = new ScriptRunner(redis, timings, measured);
  }

  /**
   * Records a frame. Undefined if Redis does not know the seat.
   *
   * @throws RollcallError RATE_LIMITED for a frame over the limit, TOO_LARGE if the user would have too much data.
   */
  async touch(seat: Seat, touch: Touch, now: number): Promise<TouchOutcome | undefined> {
    const reply = await this.#scripts.run('touch', seat.sessionId, now, touchArguments(seat, touch));
    if (!reply) return undefined;
    const { cursors, cursorReceivers, overdue, chosenAt, numberedAt, changedData } = reply.extra;
    return {
      ...readOutcome(reply, now, this.#timings),
      batch: readBatch(reply.epoch, cursors, cursorReceivers),
      numberedAt: Number(numberedAt),
      overdue: overdue > 0,
      changedData: readChangedData(changedData),
      chosenAt: chosenAt > 0 ? chosenAt : undefined,
    };
  }

  /** Records a sign of life and changes nothing else. If Redis does not know the seat, the next touch handles that. */
  async notice(seat: Seat, now: number): Promise<void> {
    await this.#scripts.run('keepAlive', seat.sessionId, now, { userId: seat.userId, connectionId: seat.connectionId });
  }

  /**
   * The receivers of a broadcast: the connections of all other users, or those of the users named. Undefined if Redis does
   * not know the seat. If the connection has an access claim, its role decides whether it may send.
   *
   * @throws RollcallError RATE_LIMITED if the connection sends more than its limit.
   */
  async address(seat: Seat, to: readonly string[] | undefined, now: number, claimed?: Role) {
    const { sessionId, userId, connectionId } = seat;
    const values = { userId, connectionId, named: to ? JSON.stringify(to) : '', claimedRole: claimed ?? '' };
    const reply = await this.#scripts.run('address', sessionId, now, values);
    if (!reply) return undefined;
    const { isPermitted, addressed } = reply.extra;
    return { isPermitted: isPermitted === 1, receivers: addressed.map(readReceiver) };
  }

  /** Takes what waits for the end of a window, if this invocation is still its flusher (rule DE3). */
  async flush(sessionId: string, endsAt: number, now: number): Promise<PresenceOutcome> {
    const reply =
      (await this.#scripts.run('flush', sessionId, now, { endsAt: String(endsAt) })) ?? unknownReply('flush');
    const { cursors = [], cursorReceivers = [] } = reply.extra;
    return { ...readOutcome(reply, now, this.#timings), batch: readBatch(reply.epoch, cursors, cursorReceivers) };
  }

  /** Notes that posts failed: throttled posts make the windows longer for a while, and `movers` show their cursors again. */
  async noteFailedPosts(sessionId: string, { isThrottled, movers }: FailedPosts, now: number): Promise<void> {
    await this.#scripts.run('noteFailedPosts', sessionId, now, { isThrottled, movers: JSON.stringify(movers) });
  }

  /**
   * Seats a connection. It changes nothing if the connection is seated already.
   *
   * @throws RollcallError TOO_LARGE if the user would have too much data.
   * @throws Overtaken if a later join or leave of the connection was served first (rule PR18).
   */
  async enter(seat: Seat, person: Entering, now: number): Promise<EnterOutcome> {
    const outageAllowance = await this.#outageAllowance();
    const values = {
      ...{ userId: seat.userId, connectionId: seatIdOf(seat.connectionId), ...enteringArguments(person) },
      ...versionArguments(seat, person.version),
      ...turnArguments(seat, person.turn),
      ownStateText: ownStateParameter(person.ownState ?? {}, person.kept, person),
    };
    const reply = (await this.#scripts.run('join', seat.sessionId, now, values, { outageAllowance }))!;
    const { isFirst, records, arrival, changedData } = reply.extra;
    return {
      ...readOutcome(reply, now, this.#timings),
      first: isFirst === 1,
      arrival: arrival === '' ? undefined : readKept<Arrival>([arrival])[0],
      users: usersFor(seat.userId, this.#users(records, now, outageAllowance), reply.cursorRole),
      changedData: readChangedData(changedData),
    };
  }

  /**
   * Ends a seat at once. `removed` tells whether it existed.
   *
   * @param version the number of the leave in the connection table, see `Membership.version`.
   * @throws Overtaken if a later join or leave of the connection was served first (rule PR18).
   */
  async depart(
    seat: Seat,
    cause: LeaveCause,
    now: number,
    version?: number,
  ): Promise<EndOutcome & { removed: boolean }> {
    const { sessionId, userId, connectionId } = seat;
    const values = { userId, connectionId: seatIdOf(connectionId), cause, ...versionArguments(seat, version) };
    const extras = { outageAllowance: await this.#outageAllowance() };
    const reply = (await this.#scripts.run('leave', sessionId, now, values, extras)) ?? unknownReply('leave');
    return { ...this.#ended(reply, now), removed: reply.extra.removed === 1 };
  }

  /** Starts the grace of a seat whose socket closed, or shortens that of a socket that was found gone. False if nothing changed. */
  async close(seat: Seat, deadline: number, cause: LeaveCause, now: number): Promise<boolean> {
    const { sessionId, userId, connectionId } = seat;
    const values = { userId, connectionId, deadline: Math.round(deadline), cause };
    return (await this.#scripts.run('close', sessionId, now, values))?.extra.closed === 1;
  }

  /**
   * All users of the session, also those who are offline. With a seat it is also a sign of life, and undefined if Redis does
   * not know the seat.
   */
  async list(
    sessionId: string,
    now: number,
    seat?: Seat,
  ): Promise<(PresenceOutcome & { users: PresenceUser[] }) | undefined> {
    const outageAllowance = await this.#outageAllowance();
    const asker = { userId: seat?.userId ?? '', connectionId: seat?.connectionId ?? '' };
    const reply = await this.#scripts.run('list', sessionId, now, asker, { outageAllowance });
    if (!reply) return undefined;
    return {
      ...readOutcome(reply, now, this.#timings),
      users: usersFor(asker.userId, this.#users(reply.extra.records, now, outageAllowance), reply.cursorRole),
    };
  }

  /**
   * Ends what is overdue in a session and returns when it is due next.
   *
   * @param restraint the factor by which the service makes posts rarer now; 1 is none (rule CO4).
   */
  async visit(sessionId: string, now: number, restraint = 1): Promise<VisitOutcome> {
    const values = { journalEntries: keptPerVisit, restraint };
    const extras = { outageAllowance: await this.#outageAllowance() };
    const reply = (await this.#scripts.run('visit', sessionId, now, values, extras)) ?? unknownReply('visit');
    return readVisit(reply, now, this.#timings);
  }

  /** Whether something moves in a session, so that the sweep has to keep watching, and its cost. `restraint`: see `visit`. */
  async keepWatch(sessionId: string, now: number, restraint = 1): Promise<{ moves: boolean; spending: Spending }> {
    const reply = await this.#scripts.run('keepWatch', sessionId, now, { restraint });
    return { moves: reply?.extra.moves === 1, spending: readSpending(reply?.extra ?? {}) };
  }

  /** Removes movements that are recorded from the journal. */
  async forget(sessionId: string, written: readonly (Arrival | Departure)[]): Promise<void> {
    const key = presenceKeys.journal(sessionId);
    await answered(this.#redis, () => Promise.all(written.map(({ text }) => this.#redis.lrem(key, 1, text))));
  }

  /** Removes a user, or all users, from a session. `ended` are the connections that were seated. */
  async removeFromSession(
    sessionId: string,
    userId: string | undefined,
    cause: LeaveCause,
    now: number,
  ): Promise<EndOutcome & { ended: Receiver[] }> {
    const values = { userId: userId ?? '', cause, keyId: '', versionKey: '', version: '' };
    const reply =
      (await this.#scripts.run('removeFromSession', sessionId, now, values)) ?? unknownReply('removeFromSession');
    return { ...this.#ended(reply, now), ended: (reply.extra.ended ?? []).map(readReceiver) };
  }

  /** Changes the role that others see. */
  async changeRole(sessionId: string, userId: string, role: Role, now: number): Promise<PresenceOutcome> {
    const reply = await this.#scripts.run('changeRole', sessionId, now, { userId, role });
    return readOutcome(reply ?? unknownReply('changeRole'), now, this.#timings);
  }

  /** Whether a user has a seat, or a grace, in the session. */
  async isPresent(sessionId: string, userId: string): Promise<boolean> {
    return (await answered(this.#redis, () => this.#redis.zscore(presenceKeys.users(sessionId), userId))) !== null;
  }

  /**
   * Gives back the slot that a join asked for before `now`.
   *
   * @returns true if the user is present: then the end of their presence gives the slot back. Otherwise the caller does.
   *   Undefined if Redis does not know the session.
   */
  async yieldSlot(sessionId: string, userId: string, now: number): Promise<boolean | undefined> {
    const reply = await this.#scripts.run('yieldSlot', sessionId, now, { userId });
    return reply && reply.extra.isPresent === 1;
  }

  /**
   * Whether Redis holds the whole session. It does for an hour after the last frame. A session of which Redis evicted a part
   * has to be restored like one that it forgot.
   */
  async isKnown(sessionId: string, now = Date.now()): Promise<boolean> {
    return (await this.#scripts.run('checkKnown', sessionId, now, {})) !== undefined;
  }

  /**
   * Seats the connections of the connection table, and ends silent seats that the table does not have. Undefined if nothing
   * had to be done: with `onlyIfLost`, a session that Redis knows is not changed. A connection that has joined or left since the
   * table was read stays as it is (rule PR18).
   */
  async restore(
    sessionId: string,
    members: readonly Member[],
    now: number,
    options: { onlyIfLost: boolean },
  ): Promise<PresenceOutcome | undefined> {
    const { offlineAfterMillis } = this.#timings;
    const { named, facts } = restoreArguments(sessionId, members, now, offlineAfterMillis, options.onlyIfLost);
    const reply = (await this.#scripts.run('restore', sessionId, now, named, { facts }))!;
    return reply.extra.restored === 1 ? readOutcome(reply, now, this.#timings) : undefined;
  }

  /** The last sign of life in the session, Unix milliseconds; undefined if nobody is present. */
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

  /** Whether Redis was away a moment ago, so that it may not know who joined meanwhile. */
  async isInDoubt(): Promise<boolean> {
    return (await this.#outageAllowance()) > 0;
  }

  #outageAllowance(): Promise<number> {
    return outageAllowanceMillis(this.#redis, this.#timings.offlineAfterMillis);
  }

  #ended(reply: ScriptReply<'leave'> | ScriptReply<'removeFromSession'>, now: number): EndOutcome {
    const departures = readKept<Departure>(reply.extra.departures ?? []);
    return { ...readOutcome(reply, now, this.#timings), departures };
  }

  /** During the outage allowance no user times out. But a user whose change to away was sent before is shown as away. */
  #users(records: string[], now: number, outageAllowance: number): PresenceUser[] {
    const timings = { ...this.#timings, offlineAfterMillis: this.#timings.offlineAfterMillis + outageAllowance };
    return records.map((text) => visibleUser(JSON.parse(text) as PresenceRecord, now, timings));
  }
}
