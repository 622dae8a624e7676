import type { ChangeReply } from '../../lambdas/presence/scripts/script-call.ts';
import { type PresenceRecord, statusAt } from '../../lambdas/presence/status.ts';
import type { LeaveCause } from '../../protocol/entities.ts';
import { FalseLeaves, slack } from './false-leaves.ts';
import { InvisiblePeople } from './invisible-people.ts';
import { inTurn, noteTurn } from './model-turns.ts';
import { RestoredSeats } from './restored-seats.ts';
import { type ModelUser, RoomModel, type StoredRoom } from './room-model.ts';
import { joinedUsers, readCall, type ScriptCall, toldBy, type Values } from './script-answer.ts';
import type { World } from './world.ts';

type Argument = string | number;
const signsOfLife = ['touch', 'keepAlive', 'list'];

/** Compares the reply of each script with the model. */
export class Ledger {
  readonly #world: World;
  readonly #rooms = new Map<string, RoomModel>();
  /** Sessions of which Redis has lost a part. Until they are restored, the model cannot predict the replies. */
  readonly blurred = new Set<string>();
  /** Sessions of which Redis has lost a part at any time, so that the model may not know each join and leave. */
  readonly forgotten = new Set<string>();

  readonly #restored: RestoredSeats;
  readonly #invisible: InvisiblePeople;
  readonly #falseLeaves: FalseLeaves;

  constructor(world: World) {
    this.#world = world;
    this.#invisible = new InvisiblePeople(world);
    this.#falseLeaves = new FalseLeaves(world);
    this.#restored = new RestoredSeats(world);
  }

  room(sessionId: string): RoomModel {
    const found = this.#rooms.get(sessionId) ?? new RoomModel(this.#world.timings);
    this.#rooms.set(sessionId, found);
    return found;
  }

  /** Stops the comparison for a session: during an outage Redis keeps users whom the model would time out. */
  unreachable(sessionId: string): void {
    this.blurred.add(sessionId);
    this.forgotten.add(sessionId);
  }

  /** Called when Redis lost keys of a session. */
  lost(sessionId: string): void {
    this.unreachable(sessionId);
    this.room(sessionId).forget();
  }

  /** Redis lost a whole session. Users whose connections had ended have a new stay and a new choice. */
  emptied(sessionId: string): void {
    this.lost(sessionId);
    this.#restored.forget(sessionId);
    this.#invisible.forgetGone(sessionId);
  }

  /**
   * Records a script and its reply.
   *
   * @returns true if a new epoch of the session began, so that the model must copy the state of Redis.
   */
  observe(script: string, given: Argument[], answer: unknown): boolean {
    const call = readCall(script, given, answer);
    const { sessionId, now, values, code, reply } = call;
    if (code === 'limited' || code === 'overtaken' || ['checkKnown', 'yieldSlot'].includes(script)) return false;
    const { userId = '', connectionId = '' } = values;
    const isVain = script === 'restore' && reply.extra['restored'] === 0;
    if (!isVain) this.#restored.note(call);
    if (script === 'leave' && (code === 'unknown' || Number(reply.extra['removed']) === 0)) {
      this.#invisible.forgetLeft(sessionId, userId, connectionId);
    }
    if (code === 'unknown') {
      if (signsOfLife.includes(script)) this.#refusedSeat(sessionId, userId, connectionId, now);
      return false;
    }
    if (isVain) return false;
    if (script === 'restore') this.#world.restoredAt = this.#world.clock.now;
    // The script says whether a later frame of the connection decided about the status.
    const isChosen = script === 'touch' && Number(reply.extra['chosenAt']) > 0;
    if (isChosen) this.#invisible.choose(sessionId, userId, values['status']!);
    this.#invisible.refuseExposure(sessionId, toldBy(call), now);
    if ([...signsOfLife, 'join'].includes(script) && userId !== '')
      this.#falseLeaves.hear(sessionId, connectionId, now);
    if (this.#beginsAnew(script, sessionId, reply)) {
      this.#note(script, reply);
      this.#falseLeaves.refuse(sessionId, reply, now);
      this.#number(this.room(sessionId), reply);
      return true;
    }
    this.#follow(call);
    return false;
  }

  /** The connections that have a seat right before a session is restored, as `<user>:<connection>`. */
  beforeRestore(sessionId: string, seats: readonly string[]): void {
    this.#restored.noteSeats(sessionId, seats);
  }

  /** Copies the state of a session after a new epoch began. */
  learn(sessionId: string, stored: StoredRoom): void {
    this.forgotten.add(sessionId);
    this.#restored.check(sessionId, stored);
    const complete = this.room(sessionId).learn(stored);
    // The copied state does not contain the changes that wait for the end of a window.
    if (complete && this.#world.profile.mergedAbove >= 50) this.blurred.delete(sessionId);
    else this.blurred.add(sessionId);
  }

  #beginsAnew(script: string, sessionId: string, { epoch }: ChangeReply): boolean {
    const known = this.room(sessionId).epoch;
    return script === 'restore' || (known === undefined ? this.blurred.has(sessionId) : known !== epoch);
  }

  #follow(call: ScriptCall): void {
    const { script, sessionId, now, outageAllowance, values, reply } = call;
    const room = this.room(sessionId);
    room.outageAllowance = outageAllowance;
    const { userId = '', connectionId = '' } = values;
    const storeNow = this.#world.clock.now;
    if (script === 'touch') this.#touch(room, values, now);
    if (script === 'keepAlive') room.seen(userId, connectionId, now, storeNow);
    const [invisible, turn] = [values['isInvisible'] === '1', values['turn']!];
    if (script === 'join') room.enter(userId, connectionId, now, { storeNow, turn, invisible });
    if (script === 'list') this.#list(room, userId, connectionId, now);
    if (script === 'visit') room.settle(now);
    if (script === 'leave') this.#leave(sessionId, room, values, now);
    if (script === 'close') this.#close(sessionId, room, values);
    this.#compare(script, sessionId, now, reply, script === 'join' || script === 'leave' ? connectionId : '');
    if (script === 'list' || script === 'join') this.#compareState(sessionId, toldBy(call).listed, now);
  }

  #touch(room: RoomModel, values: Values, now: number): void {
    const { userId, connectionId, kind, isIdle, activity } = values;
    const user = room.seen(userId!, connectionId!, now, this.#world.clock.now);
    if (!user) {
      this.#doubt(room, `[PR11] a frame of ${connectionId} was accepted although it has no seat`);
      return;
    }
    const wasHidden = room.statusOf(user, now) === 'offline';
    const { cursor, status, endsAway } = inTurn(room, values);
    const position = cursor ? (JSON.parse(cursor) as { position: number }).position : undefined;
    const moved = position !== undefined && position !== user.cursor?.position;
    const acted = kind === 'cursor' || moved || activity !== '';
    const at = now >= user.lastActive ? now : user.lastActive + 1;
    user.lastSeen = Math.max(user.lastSeen, at);
    if (acted || status !== '' || (kind === 'heartbeat' && isIdle !== '1')) user.lastActive = at;
    if (status === 'online') user.chosen = undefined;
    else if (status === 'away' || status === 'offline') user.chosen = status;
    else if (acted && endsAway && user.chosen === 'away') user.chosen = undefined;
    noteTurn(room, values, acted);
    const shown = room.statusOf(user, now) !== 'offline';
    if (moved) user.cursor = { position, at: this.#world.clock.now, shown };
    else if (user.cursor && shown !== !wasHidden) user.cursor = { ...user.cursor, at: this.#world.clock.now, shown };
  }

  #list(room: RoomModel, userId: string, connectionId: string, now: number): void {
    if (userId !== '') room.seen(userId, connectionId, now, this.#world.clock.now);
    room.settle(now);
  }

  #leave(sessionId: string, room: RoomModel, { userId, connectionId, cause }: Values, now: number): void {
    room.depart(userId!, connectionId!, cause as LeaveCause, now);
    this.#falseLeaves.forget(sessionId, connectionId!);
  }

  #close(sessionId: string, room: RoomModel, { userId, connectionId, deadline, cause }: Values): void {
    room.close(userId!, connectionId!, Number(deadline), cause as LeaveCause);
    this.#falseLeaves.forget(sessionId, connectionId!);
  }

  #refusedSeat(sessionId: string, userId: string, connectionId: string, now: number): void {
    if (this.blurred.has(sessionId)) return;
    const heard = this.room(sessionId).users.get(userId)?.connections.get(connectionId);
    if (heard !== undefined && heard > now - this.#world.timings.offlineAfterMillis + slack) {
      this.#world.violate(`[PR1] ${connectionId} has a seat that the model does not know`);
    }
  }

  #note(script: string, reply: ChangeReply): boolean {
    const world = this.#world;
    const { seq, updates, leaves, causes, receivers } = reply;
    const told = [
      ...leaves.map((userId, index) => `-${world.short(userId)} (${causes[index]})`),
      ...joinedUsers(reply).map((userId) => `+${world.short(userId)}`),
      ...updates.map((text) => `~${text}`),
    ];
    const news = told.length > 0 ? ` ${told.join(' ')} to [${receivers.join(' ')}]` : '';
    world.note(`redis ${script}: seq ${seq}${news}`);
    return told.length > 0;
  }

  #number(room: RoomModel, { epoch, seq }: ChangeReply): void {
    if (seq !== room.seq || epoch !== room.epoch) room.numberedAt = this.#world.clock.now;
    room.epoch = epoch;
    room.seq = seq;
  }

  #compare(script: string, sessionId: string, now: number, reply: ChangeReply, exceptConnection: string): void {
    const world = this.#world;
    const { epoch, seq, parts, receivers } = reply;
    const room = this.room(sessionId);
    const hasNews = this.#note(script, reply);
    this.#falseLeaves.refuse(sessionId, reply, now);
    if (!this.blurred.has(sessionId)) {
      const joined = joinedUsers(reply);
      this.#tick(room, reply, joined);
      const expected =
        room.epoch === epoch || room.epoch === undefined ? room.seq + (receivers.length > 0 ? parts : 0) : -1;
      if (room.epoch !== undefined && seq !== expected) world.violate(`[DE4] seq is ${seq}, expected ${expected}`);
      if (hasNews) this.#compareReceivers(room, reply, exceptConnection, joined);
    }
    this.#number(room, reply);
  }

  /** Checks that each join and leave is in one reply only, with its cause (rules PR2, PR9, PR10). */
  #tick(room: RoomModel, { leaves, causes }: ChangeReply, joined: string[]): void {
    const world = this.#world;
    for (const [index, userId] of leaves.entries()) {
      const untold = room.untold.get(userId) ?? [];
      const left = untold.findLastIndex((transition) => transition !== 'join');
      if (left < 0)
        world.violate(`[PR10] ${world.short(userId)} is reported as having left (${causes[index]}), but has not`);
      else if (untold[left] !== causes[index]) {
        world.violate(`[PR9] ${world.short(userId)} left by ${untold[left]}, but ${causes[index]} is reported`);
      }
      this.#rest(room, userId, untold.slice(left + 1));
    }
    for (const userId of joined) {
      const untold = room.untold.get(userId) ?? [];
      if (untold[0] !== 'join') world.violate(`[PR2] ${world.short(userId)} is reported as having joined, but has not`);
      this.#rest(room, userId, untold.slice(1));
    }
    if (world.profile.mergedAbove < 50) return;
    for (const [userId, untold] of room.untold) {
      world.violate(`[PR9] ${world.short(userId)}: ${untold.join(', ')} and no frame reports it`);
      room.untold.delete(userId);
    }
  }

  #rest(room: RoomModel, userId: string, untold: ReturnType<RoomModel['untold']['get']> & object): void {
    if (untold.length > 0) room.untold.set(userId, untold);
    else room.untold.delete(userId);
  }

  /** Checks that the receivers of a diff are all seats of the session, and no other connections (rule DE1). */
  #compareReceivers(room: RoomModel, reply: ChangeReply, exceptConnection: string, joined: string[]): void {
    const seats = room.receivers().filter(({ connectionId }) => connectionId !== exceptConnection);
    const expected = seats.map(({ userId, connectionId }) => `${userId}:${connectionId}`);
    const { receivers, updates, leaves } = reply;
    const concerned = [...joined, ...updates.map((text) => (JSON.parse(text) as { userId: string }).userId)];
    const aboutItself =
      expected.length === 1 && leaves.length === 0 && concerned.every((id) => id === seats[0]!.userId);
    const wanted = aboutItself ? [] : expected;
    if (wanted.toSorted().join() === receivers.toSorted().join()) return;
    this.#world.violate(`[DE1] a diff goes to [${receivers.join(' ')}] instead of [${wanted.join(' ')}]`);
  }

  /** Checks that a list has the users of the model, with status, connections and cursor (rules PR5, PR6, PR13). */
  #compareState(sessionId: string, records: string[], now: number): void {
    if (this.blurred.has(sessionId)) return;
    const room = this.room(sessionId);
    const { offlineAfterMillis } = this.#world.timings;
    const timings = { ...this.#world.timings, offlineAfterMillis: offlineAfterMillis + room.outageAllowance };
    const shown = records.map((text) => {
      const record = JSON.parse(text) as PresenceRecord;
      const status = statusAt(record, now, timings);
      return `${record.userId} ${status} ${record.connections} ${record.cursor?.position ?? '-'}`;
    });
    // The record of a user who timed out has expired, even if their grace still runs.
    const recorded = [...room.users].filter(([, user]) => this.#world.clock.now < user.recordEnds);
    const expected = recorded.map(([userId, user]) => `${userId} ${this.#describe(room, user, now)}`);
    if (shown.toSorted().join() === expected.toSorted().join()) return;
    this.#world.violate(
      `[PR6] a listing shows\n    ${shown.join('\n    ')}\n  instead of\n    ${expected.join('\n    ')}`,
    );
  }

  #describe(room: RoomModel, user: ModelUser, now: number): string {
    const connections = user.connections.size + user.graces.length;
    return `${room.statusOf(user, now)} ${connections} ${user.cursor?.position ?? '-'}`;
  }

  #doubt(room: RoomModel, text: string): void {
    const [sessionId] = [...this.#rooms].find(([, each]) => each === room)!;
    if (!this.blurred.has(sessionId)) this.#world.violate(text);
  }
}
