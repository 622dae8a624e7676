import type { LeaveCause } from '../../protocol/entities.ts';
import type { ServerFrames } from '../../protocol/frames.ts';
import type { Findings } from './findings.ts';
import type { Person } from './person.ts';
import { type Room, viewsOf } from './room.ts';
import type { Tab } from './tab.ts';

export interface Bounds {
  heartbeatMillis: number;
  /** How long a user may still be shown after the end of their presence, in milliseconds (rule PR12). */
  overdueMillis: number;
  /** The time without a sign of life after which a user leaves, in milliseconds. */
  offlineAfterMillis: number;
  graceMillis: number;
}

/** How long a client that lost a frame may need for the resync after its heartbeat, on a busy machine. */
const resyncMillis = 4000;
/** The time between the answer to a join and its announcement to the others. */
const settledMillis = 2500;

/**
 * Compares the view of each client with the true state during the whole run. A view may differ for as long as the rules allow. A
 * longer difference is a violation and counts once.
 */
export class Inspector {
  readonly #rooms: Room[];
  readonly #bounds: Bounds;
  readonly #findings: Findings;
  /** Since when views differ from the true state, by viewer and subject. */
  readonly #since = new Map<string, number>();
  /** Leaves that were already checked. */
  readonly #told = new Set<string>();
  readonly #names = new Map<Tab, number>();
  /** When the last outage of a store ended; earlier differences are not measured. */
  calmSince = 0;
  /** Whether posts may get lost or functions may be killed now, so that clients may need a resync. */
  lossy = false;
  /** Until when a simulated answer 410 may still remove a live connection. */
  goneUntil = 0;
  /**
   * When Redis last lost its data or was away, and when that ended. Restored seats get a sign of life at that time, because
   * earlier ones are unknown and no present user may leave (rule FA2).
   */
  dataLoss = { from: 0, until: 0 };

  constructor(rooms: Room[], bounds: Bounds, findings: Findings) {
    this.#rooms = rooms;
    this.#bounds = bounds;
    this.#findings = findings;
  }

  /** The time until which others may see a user; Infinity while they are present. */
  visibleUntil({ visibleUntil }: Person): number {
    const { from, until } = this.dataLoss;
    return visibleUntil < from ? visibleUntil : Math.max(visibleUntil, until + this.#bounds.offlineAfterMillis);
  }

  /** The longest time for which a silent user may be shown, in milliseconds. */
  get silenceMillis(): number {
    return this.#bounds.offlineAfterMillis + this.#bounds.overdueMillis;
  }

  look(now: number): void {
    const wrong = new Set<string>();
    if (now >= this.calmSince) {
      for (const room of this.#rooms) this.#lookAt(room, now, wrong);
    }
    for (const key of [...this.#since.keys()]) if (!wrong.has(key)) this.#since.delete(key);
  }

  /** Checks a diff that a client received: no present user may be in its leaves. */
  hear(room: Room, listener: Person, diff: ServerFrames['presence_diff'], now: number): void {
    for (const { userId, cause } of diff.leaves) {
      const news = `${diff.sessionId} ${diff.epoch} ${diff.seq} ${userId}`;
      // A client that was frozen receives old frames.
      if (this.#told.has(news) || !listener.solidTab(now, settledMillis)) continue;
      this.#told.add(news);
      this.#findings.count(`leave told: ${cause}`);
      const person = room.people.find((one) => one.userId === userId);
      if (!person?.solidTab(now, settledMillis)) continue;
      if (now < this.goneUntil && this.#isTakenOut(person, cause, now)) continue;
      this.#findings.violated('false leave', `${userId} is present, but their leave was announced: ${cause}`);
    }
  }

  /** Whether an answer 410 removed a live tab, so that the end of the other tabs causes a leave. */
  #isTakenOut(person: Person, cause: LeaveCause, now: number): boolean {
    const { graceMillis, overdueMillis } = this.#bounds;
    return cause === 'gone' || (cause === 'disconnected' && person.endedWithin(graceMillis + overdueMillis, now));
  }

  #lookAt(room: Room, now: number, wrong: Set<string>): void {
    const people = new Map(room.people.map((person) => [person.userId, person]));
    for (const { owner, tab, users } of viewsOf(room, now, settledMillis)) {
      this.#findings.count('views looked at');
      for (const userId of users.keys()) {
        const person = people.get(userId);
        const until = person ? this.visibleUntil(person) : 0;
        if (now > until && person !== owner) this.#ghost(tab, userId, person ? now - until : now, now, wrong);
      }
      for (const person of room.people) {
        if (person !== owner && !users.has(person.userId) && person.solidTab(now, settledMillis)) {
          this.#missing(tab, person, now, wrong);
        }
      }
    }
  }

  /** Checks users who are shown too long; the bound counts from the end of their presence or of an outage. */
  #ghost(tab: Tab, userId: string, age: number, now: number, wrong: Set<string>): void {
    const key = `ghost ${this.#nameOf(tab)} ${userId}`;
    wrong.add(key);
    const allowed = this.#bounds.overdueMillis + (this.lossy ? this.#resyncMillis(now) : 0);
    const seen = Math.min(age, now - this.calmSince, now - (tab.joinedAt ?? now));
    this.#findings.longest(this.lossy ? 'ghost while frames are lost' : 'ghost', seen);
    if (seen <= allowed || this.#since.get(key) === -1) return;
    this.#since.set(key, -1);
    this.#findings.violated('PR12', `${userId} is shown ${Math.round(seen)} ms longer than the rules allow`);
  }

  #missing(tab: Tab, person: Person, now: number, wrong: Set<string>): void {
    const key = `missing ${this.#nameOf(tab)} ${person.userId}`;
    wrong.add(key);
    const since = this.#since.get(key) ?? now;
    if (since === -1) return;
    this.#since.set(key, since);
    this.#findings.longest('missing', now - since);
    if (now - since <= this.#resyncMillis(now)) return;
    this.#since.set(key, -1);
    this.#findings.violated('missing', `${person.userId} is present and not shown for ${now - since} ms`);
  }

  /**
   * A client that was removed by an answer 410, or that lost a frame because of one, notices it by the answer to its next
   * heartbeat. That answer is a post too. If another 410 loses it, the heartbeat after that is answered.
   */
  #resyncMillis(now: number): number {
    const heartbeats = now < this.goneUntil ? 2 : 1;
    return heartbeats * this.#bounds.heartbeatMillis + resyncMillis;
  }

  #nameOf(tab: Tab): number {
    if (!this.#names.has(tab)) this.#names.set(tab, this.#names.size);
    return this.#names.get(tab)!;
  }
}
