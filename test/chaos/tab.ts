import { setTimeout as pause } from 'node:timers/promises';
import { Attendee, type AttendeeOptions, backOff } from '../../bench/storm/attendee.ts';

type Heard = Parameters<NonNullable<NonNullable<AttendeeOptions['listener']>['heard']>>;

export interface TabListener {
  heard(...heard: [...Heard, tab: Tab]): void;
  odd(sentence: string): void;
}

export type TabEnd = 'left' | 'closed' | 'cut';

/**
 * A connection of a person with what is true about it, as nobody but the client can know: since when it has joined, when
 * it last gave a sign of life, whether and how it ended.
 */
export class Tab {
  readonly attendee: Attendee;
  /** When the service said that it has joined; undefined while it has not. */
  joinedAt: number | undefined;
  /** Its newest frames that no failure is known of, oldest first. */
  #signs: number[] = [];
  end: { kind: TabEnd; at: number } | undefined;
  /** A frozen tab sends nothing, though its socket is open. */
  frozen = false;
  /** When it last came out of that. */
  thawedAt = 0;
  /** Between the request to leave and its answer nobody knows. */
  leaving = false;
  #heartbeat: NodeJS.Timeout | undefined;
  readonly #heartbeatMillis: number;
  readonly #idle: () => boolean;

  constructor(
    options: Omit<AttendeeOptions, 'listener'>,
    listener: TabListener,
    { heartbeatMillis, idle }: { heartbeatMillis: number; idle: () => boolean },
  ) {
    this.#heartbeatMillis = heartbeatMillis;
    this.#idle = idle;
    this.attendee = new Attendee({
      ...options,
      listener: {
        heard: (frame, bytes) => {
          if (frame.type === undefined) this.#doubt();
          listener.heard(frame, bytes, this);
        },
        sent: () => this.#sign(),
        odd: (sentence) => listener.odd(sentence),
        forgotten: () => void this.#joinAgain(),
      },
    });
  }

  get lastSign(): number {
    return this.#signs.at(-1) ?? 0;
  }

  /** Whether others have to see its user because of it: joined for a while, and heard of within `offlineAfter`. */
  isSolid(now: number, settledMillis: number, offlineAfterMillis: number): boolean {
    if (this.joinedAt === undefined || this.end || this.frozen || this.leaving || !this.attendee.isOpen) return false;
    return now - this.joinedAt >= settledMillis && now - this.lastSign < offlineAfterMillis;
  }

  /** Until when others may see its user because of it; Infinity while it lives. */
  visibleUntil(graceMillis: number, offlineAfterMillis: number): number {
    const silent = this.lastSign + offlineAfterMillis;
    if (this.end?.kind === 'left') return this.end.at;
    if (this.end) return Math.max(this.end.at + graceMillis, silent);
    return this.frozen ? silent : Number.POSITIVE_INFINITY;
  }

  /** Connects and joins, trying again until it has or the tab ends. */
  async arrive(): Promise<void> {
    for (let attempt = 0; !this.end; attempt += 1) {
      try {
        await this.attendee.connect();
        if (this.end) this.attendee.cut();
        else if (await this.#join()) return;
      } catch {
        // A refused handshake: the service says 503 or the gateway 500, and a client tries again.
      }
      await pause(backOff(attempt));
    }
  }

  send(message: Record<string, unknown> & { type: string }): void {
    if (this.joinedAt !== undefined) this.attendee.send(message);
  }

  /** The same with an answer; true where it was acknowledged. */
  async acknowledge(message: Record<string, unknown> & { type: string }): Promise<boolean> {
    if (this.joinedAt === undefined) return false;
    return (await this.attendee.ask(message))?.type === 'ack';
  }

  /** Stops sending, as a laptop that is shut. */
  freeze(): void {
    this.frozen = true;
    this.attendee.pause();
    clearTimeout(this.#heartbeat);
  }

  thaw(): void {
    this.frozen = false;
    this.thawedAt = Date.now();
    this.attendee.resume();
    // It is a newcomer to the others, if they were told that it had gone.
    if (this.joinedAt !== undefined) this.joinedAt = Date.now();
    this.beat();
  }

  /** Leaves the session by request, however often that takes, and closes. */
  async leave(): Promise<void> {
    this.leaving = true;
    clearTimeout(this.#heartbeat);
    for (let attempt = 0; this.attendee.isOpen; attempt += 1) {
      const answer = await this.attendee.ask({ type: 'session_leave' });
      if (answer?.type === 'session_left' || (answer?.type === 'error' && answer.code === 'NOT_IN_SESSION')) {
        this.end = { kind: 'left', at: Date.now() };
        this.attendee.close();
        return;
      }
      await pause(backOff(attempt));
    }
    this.#ended('cut');
  }

  close(): void {
    this.#ended('closed');
    this.attendee.close();
  }

  cut(): void {
    this.#ended('cut');
    this.attendee.cut();
  }

  beat(): void {
    clearTimeout(this.#heartbeat);
    if (this.end || this.frozen || this.leaving) return;
    if (this.joinedAt !== undefined) this.attendee.heartbeat({ idle: this.#idle() });
    this.#heartbeat = setTimeout(() => this.beat(), this.#heartbeatMillis);
  }

  async #join(): Promise<boolean> {
    for (let attempt = 0; this.attendee.isOpen && !this.end && !this.leaving; attempt += 1) {
      if ((await this.attendee.join())?.type === 'session_joined') {
        if (this.end || this.leaving) return true;
        this.joinedAt = Date.now();
        this.beat();
        return true;
      }
      await pause(backOff(attempt));
    }
    return false;
  }

  async #joinAgain(): Promise<void> {
    if (this.joinedAt === undefined || this.leaving) return;
    this.joinedAt = undefined;
    await this.#join();
  }

  #sign(): void {
    this.#signs.push(Date.now());
    if (this.#signs.length > 50) this.#signs.splice(0, 25);
  }

  /** A function failed, and with it the frames it had taken: they are no signs of life, and another one is due. */
  #doubt(): void {
    const now = Date.now();
    this.#signs = this.#signs.filter((at) => at < now - 2000);
    setTimeout(() => this.beat(), 50);
  }

  #ended(kind: TabEnd): void {
    clearTimeout(this.#heartbeat);
    this.end ??= { kind, at: Date.now() };
  }
}
