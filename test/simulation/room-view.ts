import type { Cursor, PresenceUser } from '../../protocol/entities.ts';
import type { ServerFrames } from '../../protocol/frames.ts';

type Diff = ServerFrames['presence_diff'];
type Snapshot = Pick<ServerFrames['presence_state'], 'epoch' | 'seq' | 'users'>;

/** The view of a client on a session by the rules of the protocol: a snapshot, then diffs in the order of their numbers. */
export class RoomView {
  epoch: string | undefined;
  seq = 0;
  readonly users = new Map<string, PresenceUser>();
  readonly cursors = new Map<string, { cursor: Cursor; at: number }>();
  /** Diffs whose predecessor has not arrived. */
  #early: Diff[] = [];

  /**
   * Replaces everything.
   *
   * @returns false if diffs arrived that do not follow the snapshot, so that the client needs another snapshot.
   */
  show(snapshot: Snapshot): boolean {
    if (snapshot.epoch === this.epoch) {
      if (snapshot.seq < this.seq) return true;
      this.#early = this.#early.filter(({ epoch }) => epoch === this.epoch);
    }
    const known = new Map(this.cursors);
    this.users.clear();
    this.cursors.clear();
    this.epoch = snapshot.epoch;
    this.seq = snapshot.seq;
    for (const user of snapshot.users) {
      this.#put(user);
      const own = known.get(user.userId);
      // A cursor that arrived before the snapshot may be newer than the one in it.
      if (own && own.at > user.lastActive) this.cursors.set(user.userId, own);
    }
    this.#catchUp();
    return this.#early.length === 0;
  }

  /** @returns false if diffs are missing, so that the client needs a snapshot. */
  apply(diff: Diff): boolean {
    this.#early.push(diff);
    this.#catchUp();
    return this.#early.length === 0;
  }

  move({ cursors }: ServerFrames['cursors']): void {
    for (const { userId, cursor, at } of cursors) {
      const shown = this.cursors.get(userId);
      if (!shown || shown.at <= at) this.cursors.set(userId, { cursor, at });
    }
  }

  #catchUp(): void {
    if (this.epoch === undefined) return;
    this.#early = this.#early.filter(({ epoch, seq }) => epoch !== this.epoch || seq > this.seq);
    for (;;) {
      const next = this.#early.find(({ epoch, seq }) => epoch === this.epoch && seq === this.seq + 1);
      if (!next) return;
      this.#early = this.#early.filter((each) => each !== next);
      this.#change(next);
    }
  }

  #change({ seq, leaves, joins, updates }: Diff): void {
    this.seq = seq;
    for (const { userId } of leaves) {
      this.users.delete(userId);
      this.cursors.delete(userId);
    }
    for (const user of joins) this.#put(user);
    for (const { activity, cursor: _, ...update } of updates) {
      const user = this.users.get(update.userId);
      if (!user) continue;
      Object.assign(user, update, activity === undefined ? {} : { activity: activity ?? undefined });
    }
  }

  #put(user: PresenceUser): void {
    this.users.set(user.userId, { ...user });
    if (user.cursor) this.cursors.set(user.userId, { cursor: user.cursor, at: user.lastActive });
  }
}
