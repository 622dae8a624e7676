import type { LeaveCause } from '../../protocol/entities.ts';
import type { ServerFrames } from '../../protocol/frames.ts';
import type { Findings } from './findings.ts';
import type { Person } from './person.ts';
import { type Room, viewsOf } from './room.ts';
import type { Tab } from './tab.ts';

export interface Bounds {
  heartbeatMillis: number;
  /** How long after somebody's last possible moment they may still be shown (rule PR12). */
  ghostMillis: number;
  /** After how much silence somebody is gone. */
  offlineAfterMillis: number;
  graceMillis: number;
}

/** What a client that lost a frame needs at most to hear of it, beyond a heartbeat: the answer's way on a busy machine. */
const healMillis = 4000;
/** Between the answer to a join and the same news at the others'. */
const settledMillis = 2500;

/**
 * Holds what every client sees to what is true, all the time. A view may differ for as long as the rules allow; what differs
 * longer is a violation, counted once.
 */
export class Inspector {
  readonly #rooms: Room[];
  readonly #bounds: Bounds;
  readonly #findings: Findings;
  /** Since when views differ from the truth, by viewer and what it is about. */
  readonly #since = new Map<string, number>();
  /** Leaves that were judged. */
  readonly #told = new Set<string>();
  readonly #names = new Map<Tab, number>();
  /** When the last interruption of a store ended; before that nothing is measured. */
  calmSince = 0;
  /** Whether the emulated cloud loses posts or kills functions at the moment, so that a client may have to heal first. */
  lossy = false;
  /** Until when a 410 of the emulated cloud may still take a live connection out. */
  goneUntil = 0;
  /**
   * When Redis last lost its memory or could not be reached, and when that was over. What is restored then begins anew, with
   * a sign of life of that moment: nobody can know better, and nobody who is there may be taken for gone (rule FA2).
   */
  amnesia = { from: 0, until: 0 };

  constructor(rooms: Room[], bounds: Bounds, findings: Findings) {
    this.#rooms = rooms;
    this.#bounds = bounds;
    this.#findings = findings;
  }

  /** The last moment at which others may see somebody; Infinity while they are there. */
  visibleUntil({ visibleUntil }: Person): number {
    const { from, until } = this.amnesia;
    return visibleUntil < from ? visibleUntil : Math.max(visibleUntil, until + this.#bounds.offlineAfterMillis);
  }

  /** How long whoever fell silent may be shown, at most. */
  get silenceMillis(): number {
    return this.#bounds.offlineAfterMillis + this.#bounds.ghostMillis;
  }

  look(now: number): void {
    const wrong = new Set<string>();
    if (now >= this.calmSince) {
      for (const room of this.#rooms) this.#lookAt(room, now, wrong);
    }
    for (const key of [...this.#since.keys()]) if (!wrong.has(key)) this.#since.delete(key);
  }

  /** A diff came to somebody: nobody may be said to leave who is there. */
  hear(room: Room, listener: Person, diff: ServerFrames['presence_diff'], now: number): void {
    for (const { userId, cause } of diff.leaves) {
      const news = `${diff.sessionId} ${diff.epoch} ${diff.seq} ${userId}`;
      // Whoever was frozen hears old news.
      if (this.#told.has(news) || !listener.solidTab(now, settledMillis)) continue;
      this.#told.add(news);
      this.#findings.count(`leave told: ${cause}`);
      const person = room.people.find((one) => one.userId === userId);
      if (!person?.solidTab(now, settledMillis)) continue;
      if (now < this.goneUntil && this.#isTakenOut(person, cause, now)) continue;
      this.#findings.violated('false leave', `${userId} is there and was said to have gone: ${cause}`);
    }
  }

  /** A 410 took the tab out that is there: the end of their last other one is then the end of them all. */
  #isTakenOut(person: Person, cause: LeaveCause, now: number): boolean {
    const { graceMillis, ghostMillis } = this.#bounds;
    return cause === 'gone' || (cause === 'disconnected' && person.endedWithin(graceMillis + ghostMillis, now));
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

  /** The bound of a ghost counts from its last moment, or from the end of an interruption. */
  #ghost(tab: Tab, userId: string, age: number, now: number, wrong: Set<string>): void {
    const key = `ghost ${this.#nameOf(tab)} ${userId}`;
    wrong.add(key);
    const allowed = this.#bounds.ghostMillis + (this.lossy ? this.#healMillis(now) : 0);
    const seen = Math.min(age, now - this.calmSince, now - (tab.joinedAt ?? now));
    this.#findings.longest(this.lossy ? 'ghost while frames are lost' : 'ghost', seen);
    if (seen <= allowed || this.#since.get(key) === -1) return;
    this.#since.set(key, -1);
    this.#findings.violated('PR12', `${userId} is shown ${Math.round(seen)} ms after the last moment they may be`);
  }

  #missing(tab: Tab, person: Person, now: number, wrong: Set<string>): void {
    const key = `missing ${this.#nameOf(tab)} ${person.userId}`;
    wrong.add(key);
    const since = this.#since.get(key) ?? now;
    if (since === -1) return;
    this.#since.set(key, since);
    this.#findings.longest('missing', now - since);
    if (now - since <= this.#healMillis(now)) return;
    this.#since.set(key, -1);
    this.#findings.violated('missing', `${person.userId} is there and not shown for ${now - since} ms`);
  }

  /**
   * Who was taken out by a 410, or missed a frame because of one, hears of it by the answer to their next heartbeat. That
   * answer is a post, too: where it is swallowed by another 410, it is the heartbeat after that.
   */
  #healMillis(now: number): number {
    const heartbeats = now < this.goneUntil ? 2 : 1;
    return heartbeats * this.#bounds.heartbeatMillis + healMillis;
  }

  #nameOf(tab: Tab): number {
    if (!this.#names.has(tab)) this.#names.set(tab, this.#names.size);
    return this.#names.get(tab)!;
  }
}
