import type { LeaveCause, Role, Session, Status } from '../../protocol/entities.ts';
import { isAtLeast } from '../../protocol/permissions.ts';
import { type Json, merge, type WireChange, type WireUser } from '../presence.ts';
import { cursorFrames } from './cursor-frames.ts';
import { hiddenTimeoutMillis, offlineAfter, type Person, type ServerConnection, statusOf } from './person.ts';
import { type Kept, RoomAccess } from './room-access.ts';
import { Trail } from './trail.ts';

/** One session in memory, with its users. */
export class Room {
  readonly access = new RoomAccess();
  readonly trail: Trail;
  readonly people = new Map<string, Person>();
  session: Session;
  /** The last sign of life of anybody, Unix milliseconds; the creation is the first one. */
  lastSign: number;
  /** Whether the participants were told that the session is about to expire, since its last sign of life. */
  isWarned = false;
  epoch = crypto.randomUUID();
  seq = 0;
  #indices = 0;
  readonly #now: () => number;

  constructor(session: Session, now: () => number) {
    this.session = session;
    this.lastSign = session.startTime;
    this.trail = new Trail(session.id, now);
    this.#now = now;
  }

  /** @param asker the user who receives it, without the cursors that they may not see; the service itself if absent. */
  snapshot(asker?: string): { epoch: string; seq: number; users: WireUser[] } {
    const shows = ({ userId, status }: WireUser) =>
      userId === asker || (status !== 'offline' && (asker === undefined || this.#seesCursors(asker)));
    const users = [...this.people.values()].map(({ user }) => (shows(user) ? user : { ...user, cursor: undefined }));
    return { epoch: this.epoch, seq: this.seq, users };
  }

  /** A session may show cursors only from a certain role up. */
  #seesCursors(userId: string): boolean {
    const least = this.session.metadata.visibility?.cursors;
    return !least || isAtLeast(this.people.get(userId)?.user.role as Role, least);
  }

  has(connection: ServerConnection): boolean {
    return this.people.get(connection.userId)?.seats.has(connection) ?? false;
  }

  /** Seats a connection; the user's state is part of the join. */
  enter(
    connection: ServerConnection,
    role: Role,
    said: { status?: Status; activity?: string | null; data?: Json },
  ): void {
    const now = this.signOfLife();
    const { userId, username } = connection;
    let person = this.people.get(userId);
    const isNew = !person;
    const times = { lastSeen: now, lastActive: now, joinedAt: now };
    const index = isNew ? this.#indices++ : undefined;
    person ??= {
      user: { userId, username, role, status: 'online', ...times, index, connections: 0 },
      chosen: undefined,
      seats: new Map(),
      lastActive: now,
    };
    this.people.set(userId, person);
    this.access.members.set(connection, {});
    for (const [other, seat] of person.seats) if (seat.endsAt !== undefined) person.seats.delete(other);
    person.seats.set(connection, { lastSeen: now, timeoutMillis: offlineAfter, isHidden: false });
    if (isNew) {
      person.chosen = said.status;
      const { activity, data } = said;
      const fields = { activity, data, status: statusOf(person, this.#now()), connections: 1 };
      person.user = merge(person.user, JSON.parse(JSON.stringify(fields)));
      this.trail.joined(person.user);
      this.#diff({ joins: [person.user] }, connection);
    } else {
      // Who chooses to be online is active, also if they chose it while they had no connection.
      if (said.status === 'online') person.lastActive = now;
      this.#change(person, { ...said, role, connections: person.seats.size }, said.status);
    }
  }

  /** Makes an agent present. It has no seat, and receives nothing. */
  enterAgent(who: Pick<WireUser, 'userId' | 'username' | 'role' | 'kind' | 'onBehalfOf'>, leaseUntil: number): void {
    const now = this.signOfLife();
    const times = { lastSeen: now, lastActive: now, joinedAt: now };
    const user: WireUser = { ...who, status: 'online', ...times, index: this.#indices++, connections: 1, data: {} };
    const holder = { ...who, username: who.username, isAnonymous: true, kind: 'agent' as const };
    this.access.hold(this.session.id, holder, who.role as Role, now);
    this.people.set(who.userId, { user, chosen: undefined, seats: new Map(), lastActive: now, leaseUntil });
    this.trail.joined(who);
    this.#diff({ joins: [user] });
  }

  /** Changes what others see of an agent. */
  changeAgent(userId: string, { cursor, ...said }: Omit<WireChange, 'userId'>): void {
    const person = this.people.get(userId)!;
    person.lastActive = this.signOfLife();
    this.#change(person, cursor === null ? { ...said, cursor } : said, said.status ?? undefined);
    if (cursor) this.#move(person, cursor, { userId });
  }

  /** Records a sign of life; any frame is one. Only frames about the user say whether their page is hidden. */
  touch(connection: ServerConnection): void {
    const seat = this.people.get(connection.userId)?.seats.get(connection);
    if (!seat) return;
    const now = this.signOfLife();
    if (!seat.isHidden) seat.lastSeen = now;
  }

  /** Notes that the session is in use. @returns the present time. */
  signOfLife(): number {
    this.isWarned = false;
    this.lastSign = this.#now();
    return this.lastSign;
  }

  /** Records a sign of life with a change; `said` is the change of the user's state. */
  hear(
    connection: ServerConnection,
    said: { status?: Status; activity?: string | null; data?: Json; cursor?: Json | null },
    { idle = false, hidden = false } = {},
  ): void {
    const person = this.people.get(connection.userId)!;
    const seat = person.seats.get(connection)!;
    const now = this.signOfLife();
    Object.assign(seat, {
      lastSeen: now,
      isHidden: hidden,
      timeoutMillis: hidden ? hiddenTimeoutMillis : offlineAfter,
    });
    if (!idle) person.lastActive = now;
    const { cursor, ...rest } = said;
    const isDoing = Boolean(said.cursor || said.activity);
    if (isDoing && person.chosen === 'away') person.chosen = undefined;
    this.#change(person, cursor === null ? { ...rest, cursor } : rest, said.status);
    if (cursor && !(idle && JSON.stringify(cursor) === JSON.stringify(person.user.cursor))) {
      this.#move(person, cursor, connection);
    }
  }

  /** Makes a user present in the place of a guest. The user has no seat before their connection enters. */
  takeOver(guestId: string, { userId, username }: Pick<ServerConnection, 'userId' | 'username'>, role: Role): void {
    const guest = this.people.get(guestId);
    if (!guest) return;
    const removed = { type: 'session_removed', reason: 'signed_in' };
    this.tell(removed, (connection) => connection.userId === guestId);
    this.dismiss(guestId);
    this.people.delete(guestId);
    const known = this.people.get(userId);
    const user = { ...(known ?? guest).user, guestId };
    const leaves = [{ userId: guestId, cause: 'signed_in' }];
    if (known) {
      known.user = user;
      this.#diff({ leaves, updates: [{ userId, guestId }] });
    } else {
      Object.assign(user, { userId, username, role, connections: 1 });
      this.people.set(userId, { ...guest, user, seats: new Map() });
      this.#diff({ leaves, joins: [user] });
    }
  }

  leave(userId: string, cause: LeaveCause): void {
    const { access, people } = this;
    access.giveBack(userId, this.#now());
    const left = people.get(userId);
    if (!people.delete(userId)) return;
    const kept: Kept = { data: left?.user.data, status: left?.chosen === 'offline' ? 'offline' : undefined };
    for (const each of access.members.keys()) if (each.userId === userId) access.members.set(each, kept);
    this.trail.left(userId, cause);
    this.#diff({ leaves: [{ userId, cause }] });
  }

  setRole(userId: string, role: Role): void {
    const person = this.people.get(userId);
    if (person) this.#change(person, { role });
  }

  /** Ends one seat; the user leaves with the last one. */
  release(connection: ServerConnection, cause: LeaveCause): void {
    const person = this.people.get(connection.userId);
    if (!person?.seats.delete(connection)) return;
    if (person.seats.size === 0) this.leave(connection.userId, cause);
    else this.#change(person, { connections: person.seats.size });
  }

  /** A socket broke: its user may return within the given milliseconds. */
  break(connection: ServerConnection, graceMillis: number): void {
    const seat = this.people.get(connection.userId)?.seats.get(connection);
    if (seat) seat.endsAt = this.#now() + graceMillis;
  }

  /** Ends overdue seats and announces users who became away. */
  sweep(): void {
    const now = this.#now();
    for (const person of [...this.people.values()]) {
      if (person.leaseUntil !== undefined && person.leaseUntil <= now) this.leave(person.user.userId, 'lease_ended');
      for (const [connection, seat] of [...person.seats]) {
        if (seat.endsAt !== undefined && seat.endsAt <= now) this.release(connection, 'disconnected');
        else if (seat.lastSeen + seat.timeoutMillis <= now) this.release(connection, 'timeout');
      }
      if (person.seats.size > 0) this.#change(person, {});
    }
  }

  /** Ends the memberships of a user: their connections stay open and get nothing about this session any more. */
  dismiss(userId: string): void {
    const { members } = this.access;
    for (const connection of [...members.keys()]) if (connection.userId === userId) members.delete(connection);
  }

  /** Sends a frame to connections that joined, also to those whose user timed out. */
  tell(frame: object, to: (connection: ServerConnection) => boolean = () => true): void {
    for (const connection of this.access.members.keys()) {
      if (to(connection)) connection.send({ sessionId: this.session.id, ...frame });
    }
  }

  /** Sends a frame to the connections of those who are present. */
  broadcast(frame: object, to: (connection: ServerConnection) => boolean = () => true): void {
    for (const { seats } of this.people.values()) {
      for (const [connection, { endsAt }] of seats) {
        if (endsAt === undefined && to(connection)) connection.send({ sessionId: this.session.id, ...frame });
      }
    }
  }

  #change(person: Person, fields: Omit<WireChange, 'userId'>, chosen?: Status): void {
    if (chosen) person.chosen = chosen;
    const change = { ...fields, status: statusOf(person, this.#now()) } as Record<string, unknown>;
    for (const [key, value] of Object.entries(change)) {
      const known = person.user[key as keyof WireUser];
      if (value === undefined || (value ?? undefined) === known) delete change[key];
    }
    if (change['cursor'] === null) change['lastActive'] = person.lastActive;
    person.user = { ...merge(person.user, change), lastSeen: this.#now(), lastActive: person.lastActive };
    if (Object.keys(change).length > 0) this.#diff({ updates: [{ userId: person.user.userId, ...change }] });
  }

  #move(person: Person, cursor: Json, from: Pick<ServerConnection, 'userId'>): void {
    const { cursor: known, status } = person.user;
    person.user = { ...person.user, cursor };
    if (status === 'offline') return;
    const frames = cursorFrames(this, person.user, known, this.#now());
    for (const [userId, { seats }] of this.people) {
      if (userId === from.userId || !this.#seesCursors(userId)) continue;
      for (const connection of seats.keys()) connection.send(connection.compact ? frames.compact : frames.whole);
    }
  }

  #diff(changes: { joins?: WireUser[]; updates?: WireChange[]; leaves?: object[] }, except?: ServerConnection): void {
    const seats = [...this.people.values()].flatMap((person) => [...person.seats.keys()]);
    // A user who is alone in the session gets no frame about their own change.
    const isAgent = ({ userId }: WireChange) => this.people.get(userId)?.leaseUntil !== undefined;
    const isOther = (each: WireChange) => each.connections || isAgent(each);
    const isOwn = !changes.leaves && !changes.joins?.some(isAgent) && !changes.updates?.some(isOther);
    if (seats.length < 2 && isOwn) return;
    this.seq += 1;
    const { epoch, seq } = this;
    const diff = { type: 'presence_diff', epoch, seq, joins: [], updates: [], leaves: [], ...changes };
    this.broadcast(diff, (connection) => connection !== except);
  }
}
