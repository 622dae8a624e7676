import { encodeMove, frameHead, tagOf } from '../../protocol/compact.ts';
import type {
  ActivityItem,
  Cursor,
  LeaveCause,
  Role,
  Session,
  SessionParticipant,
  Status,
  Stay,
} from '../../protocol/entities.ts';
import { type Json, merge, type WireChange, type WireUser } from '../presence.ts';

/** One socket as the service knows it. */
export interface ServerConnection {
  userId: string;
  username: string;
  compact: boolean;
  send(frame: object | string): void;
}

interface Seat {
  lastSeen: number;
  /** Until when its next sign of life may take, in milliseconds. */
  patience: number;
  isHidden: boolean;
  /** When a broken socket's seat ends; undefined while it lives. */
  endsAt?: number;
}

interface Person {
  user: WireUser;
  chosen: Status | undefined;
  seats: Map<ServerConnection, Seat>;
  lastActive: number;
}

export interface Invitation {
  inviteId: string;
  role: Role;
  expiresAt: number;
  uses: number;
}

const offlineAfter = 60_000;
const hiddenPatience = 150_000;
const awayAfter = 120_000;
const rank: Status[] = ['online', 'away', 'offline'];
const worse = (one: Status, other: Status) => (rank.indexOf(one) > rank.indexOf(other) ? one : other);

/** One session in memory, with everybody in it. */
export class Room {
  readonly participants = new Map<string, SessionParticipant>();
  readonly invitations = new Map<string, Invitation>();
  readonly activities: ActivityItem[] = [];
  readonly stays: Stay[] = [];
  readonly people = new Map<string, Person>();
  session: Session;
  epoch = crypto.randomUUID();
  seq = 0;
  #indices = 0;
  readonly #now: () => number;

  constructor(session: Session, now: () => number) {
    this.session = session;
    this.#now = now;
  }

  snapshot(): { epoch: string; seq: number; users: WireUser[] } {
    const users = [...this.people.values()].map(({ user }) =>
      user.status === 'offline' ? { ...user, cursor: undefined } : user,
    );
    return { epoch: this.epoch, seq: this.seq, users };
  }

  has(connection: ServerConnection): boolean {
    return this.people.get(connection.userId)?.seats.has(connection) ?? false;
  }

  /** Seats a connection; what it says of its person is part of the join. */
  enter(
    connection: ServerConnection,
    role: Role,
    said: { status?: Status; activity?: string | null; data?: Json },
  ): void {
    const now = this.#now();
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
    for (const [other, seat] of person.seats) if (seat.endsAt !== undefined) person.seats.delete(other);
    person.seats.set(connection, { lastSeen: now, patience: offlineAfter, isHidden: false });
    if (isNew) {
      person.chosen = said.status;
      const { activity, data } = said;
      const fields = { activity, data, status: this.#statusOf(person), connections: 1 };
      person.user = merge(person.user, JSON.parse(JSON.stringify(fields)));
      this.stays.push({ userId, username, role, joinedAt: now, leftAt: null, cause: null });
      this.#diff({ joins: [person.user] }, connection);
    } else this.#change(person, { ...said, connections: person.seats.size }, said.status);
  }

  /** Any frame is a sign of life. */
  touch(connection: ServerConnection): void {
    const seat = this.people.get(connection.userId)?.seats.get(connection);
    if (seat) Object.assign(seat, { lastSeen: this.#now(), isHidden: false, patience: offlineAfter });
  }

  /** A sign of life with meaning; `said` is what the person tells of themselves. */
  hear(
    connection: ServerConnection,
    said: { status?: Status; activity?: string | null; data?: Json; cursor?: Json | null },
    { idle = false, hidden = false } = {},
  ): void {
    const person = this.people.get(connection.userId)!;
    const seat = person.seats.get(connection)!;
    const now = this.#now();
    Object.assign(seat, { lastSeen: now, isHidden: hidden, patience: hidden ? hiddenPatience : offlineAfter });
    if (!idle) person.lastActive = now;
    const { cursor, ...rest } = said;
    const isDoing = Boolean(said.cursor || said.activity);
    if (isDoing && person.chosen === 'away') person.chosen = undefined;
    this.#change(person, cursor === null ? { ...rest, cursor } : rest, said.status);
    if (cursor && !(idle && JSON.stringify(cursor) === JSON.stringify(person.user.cursor))) {
      this.#move(person, cursor, connection);
    }
  }

  leave(userId: string, cause: LeaveCause): void {
    if (!this.people.delete(userId)) return;
    const stay = this.stays.findLast((each) => each.userId === userId)!;
    Object.assign(stay, { leftAt: this.#now(), cause });
    this.#diff({ leaves: [{ userId, cause }] });
  }

  setRole(userId: string, role: Role): void {
    const person = this.people.get(userId);
    if (person) this.#change(person, { role });
  }

  /** One connection ends in the session; the person leaves with the last one. */
  release(connection: ServerConnection, cause: LeaveCause): void {
    const person = this.people.get(connection.userId);
    if (!person?.seats.delete(connection)) return;
    if (person.seats.size === 0) this.leave(connection.userId, cause);
    else this.#change(person, { connections: person.seats.size });
  }

  /** A socket broke: its person has so many milliseconds to come back. */
  break(connection: ServerConnection, graceMillis: number): void {
    const seat = this.people.get(connection.userId)?.seats.get(connection);
    if (seat) seat.endsAt = this.#now() + graceMillis;
  }

  /** Ends what is overdue and announces who became away. */
  sweep(): void {
    const now = this.#now();
    for (const person of [...this.people.values()]) {
      for (const [connection, seat] of [...person.seats]) {
        if (seat.endsAt !== undefined && seat.endsAt <= now) this.release(connection, 'disconnected');
        else if (seat.lastSeen + seat.patience <= now) this.release(connection, 'timeout');
      }
      if (person.seats.size > 0) this.#change(person, {});
    }
  }

  broadcast(frame: object, to: (connection: ServerConnection) => boolean = () => true): void {
    for (const { seats } of this.people.values()) {
      for (const [connection, { endsAt }] of seats) {
        if (endsAt === undefined && to(connection)) connection.send({ sessionId: this.session.id, ...frame });
      }
    }
  }

  #statusOf({ chosen, lastActive, seats }: Person): Status {
    const isInUse = [...seats.values()].some(({ isHidden }) => !isHidden);
    const derived = isInUse && this.#now() - lastActive < awayAfter ? 'online' : 'away';
    return worse(chosen ?? 'online', derived);
  }

  #change(person: Person, fields: Omit<WireChange, 'userId'>, chosen?: Status): void {
    if (chosen) person.chosen = chosen;
    const change = { ...fields, status: this.#statusOf(person) } as Record<string, unknown>;
    for (const [key, value] of Object.entries(change)) {
      const known = person.user[key as keyof WireUser];
      if (value === undefined || (value ?? undefined) === known) delete change[key];
    }
    if (change['cursor'] === null) change['lastActive'] = person.lastActive;
    person.user = { ...merge(person.user, change), lastSeen: this.#now(), lastActive: person.lastActive };
    if (Object.keys(change).length > 0) this.#diff({ updates: [{ userId: person.user.userId, ...change }] });
  }

  #move(person: Person, cursor: Json, from: ServerConnection): void {
    const { userId, index, cursor: known, status } = person.user;
    const at = this.#now();
    person.user = { ...person.user, cursor };
    if (status === 'offline') return;
    const tag = tagOf(cursor as Cursor);
    const whole = { userId, cursor, at };
    const isMove = known !== undefined && tagOf(known as Cursor) === tag;
    const head = frameHead(this.epoch);
    const compact = isMove ? head + encodeMove(index!, tag, cursor as Cursor) : `${head}\n${JSON.stringify([whole])}`;
    for (const { seats } of this.people.values()) {
      for (const connection of seats.keys()) {
        if (connection.userId === from.userId) continue;
        const frame = { type: 'cursors', sessionId: this.session.id, cursors: [whole] };
        connection.send(connection.compact ? compact : frame);
      }
    }
  }

  #diff(changes: { joins?: WireUser[]; updates?: WireChange[]; leaves?: object[] }, except?: ServerConnection): void {
    const seats = [...this.people.values()].flatMap((person) => [...person.seats.keys()]);
    // Nobody is told what they said themselves while they are alone.
    const isOwn = !changes.leaves && !changes.updates?.some(({ connections }) => connections);
    if (seats.length < 2 && isOwn) return;
    this.seq += 1;
    const { epoch, seq } = this;
    const diff = { type: 'presence_diff', epoch, seq, joins: [], updates: [], leaves: [], ...changes };
    this.broadcast(diff, (connection) => connection !== except);
  }
}
