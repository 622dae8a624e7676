import type { PresenceUser } from '../../protocol/entities.ts';
import type { PresenceChange, ServerFrames } from '../../protocol/frames.ts';

type Diff = ServerFrames['presence_diff'];
type Snapshot = Pick<ServerFrames['presence_state'], 'epoch' | 'seq' | 'users' | 'part' | 'parts' | 'snapshotId'>;

/** Receives a description of each protocol violation. */
export type Oddity = (sentence: string) => void;

/**
 * The state of a session at one client, implemented only from docs/protocol.md. Tests check the server's frames against
 * it, so it shares no code with the server, the client library or the demo.
 */
export class Replica {
  users = new Map<string, PresenceUser>();
  epoch = '';
  seq = 0;
  /** Whether a diff could not be applied since the last snapshot, so that a snapshot must be requested. */
  outOfStep = true;
  readonly #odd: Oddity;
  #early: Diff[] = [];
  /** The parts of each incomplete snapshot, with their users. */
  #parts = new Map<string, Map<number, PresenceUser[]>>();
  /** Users known only from the snapshot. Their join may still wait for the end of a window; it may arrive once. */
  #bySnapshot = new Set<string>();
  readonly #cursorTimes = new Map<string, number>();

  constructor(odd: Oddity = () => {}) {
    this.#odd = odd;
  }

  /** Whether all frames of the server could be applied. */
  get isComplete(): boolean {
    return !this.outOfStep && this.#early.length === 0;
  }

  /** Whether a diff arrived before its predecessor, which may still arrive. */
  get waitsForOne(): boolean {
    return !this.outOfStep && this.#early.length > 0;
  }

  /** Applies a snapshot or a part of one. Returns true if the state is complete now. */
  takeSnapshot(snapshot: Snapshot): boolean {
    const users = this.#complete(snapshot);
    if (!users) return false;
    const isOlder = !this.outOfStep && snapshot.epoch === this.epoch && snapshot.seq < this.seq;
    if (!isOlder) this.#replace(snapshot, users);
    return this.isComplete;
  }

  /** Applies a diff. Returns false if an earlier one is missing. */
  takeDiff(diff: Diff): boolean {
    if (!this.outOfStep && diff.epoch === this.epoch && diff.seq <= this.seq) return true;
    this.#early.push(diff);
    this.outOfStep ||= diff.epoch !== this.epoch;
    if (!this.outOfStep) this.#placeEarly();
    return this.isComplete;
  }

  takeCursors({ cursors }: ServerFrames['cursors']): void {
    for (const { userId, cursor, at } of cursors) {
      const user = this.users.get(userId);
      if (!user) continue;
      this.users.set(userId, { ...user, cursor });
      this.#cursorTimes.set(userId, at);
    }
  }

  /** Resets the state, as a client does that joins again. */
  clear(): void {
    this.outOfStep = true;
    this.#early = [];
    this.#parts.clear();
  }

  #complete({ users, part, parts, snapshotId }: Snapshot): PresenceUser[] | undefined {
    if (part === undefined || parts === undefined || snapshotId === undefined) return users;
    const gathered = this.#parts.get(snapshotId) ?? new Map<number, PresenceUser[]>();
    this.#parts.set(snapshotId, gathered.set(part, users));
    if (gathered.size < parts) return undefined;
    this.#parts.clear();
    return [...gathered.entries()].sort(([one], [other]) => one - other).flatMap(([, some]) => some);
  }

  #replace({ epoch, seq }: Snapshot, users: PresenceUser[]): void {
    this.users = new Map(users.map((user) => [user.userId, this.#withNewerCursor(user)]));
    if (this.users.size !== users.length) this.#odd('a snapshot contains a user twice');
    this.#bySnapshot = new Set(this.users.keys());
    this.epoch = epoch;
    this.seq = seq;
    this.outOfStep = false;
    this.#placeEarly();
  }

  #placeEarly(): void {
    const early = this.#early.filter(({ epoch, seq }) => epoch === this.epoch && seq > this.seq);
    early.sort((one, other) => one.seq - other.seq);
    while (early[0]?.seq === this.seq + 1) this.#place(early.shift()!);
    this.#early = early;
  }

  /** A cursor may arrive before a snapshot that is older than it. */
  #withNewerCursor(user: PresenceUser): PresenceUser {
    const cursor = this.users.get(user.userId)?.cursor;
    const isNewer = (this.#cursorTimes.get(user.userId) ?? 0) > user.lastActive;
    return cursor && isNewer ? { ...user, cursor } : user;
  }

  #place({ seq, joins, updates, leaves }: Diff): void {
    this.seq = seq;
    for (const { userId } of leaves) this.users.delete(userId);
    for (const user of joins) {
      const isKnown = this.users.has(user.userId) && !this.#bySnapshot.delete(user.userId);
      if (isKnown) this.#odd(`${user.userId} joins at ${seq} and is there`);
      this.users.set(user.userId, user);
    }
    for (const change of updates) {
      const user = this.users.get(change.userId);
      if (user) this.users.set(change.userId, changed(user, change));
      else this.#odd(`${JSON.stringify(change)} at ${seq} is about an unknown user`);
    }
  }
}

/** Absent fields are unchanged; `null` removes a field. */
function changed(user: PresenceUser, change: PresenceChange): PresenceUser {
  const entries = Object.entries({ ...user, ...change }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries) as unknown as PresenceUser;
}
