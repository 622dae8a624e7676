import { setTimeout as pause } from 'node:timers/promises';
import { Attendee, type AttendeeOptions, backOff } from '../../bench/storm/attendee.ts';

type Heard = Parameters<NonNullable<NonNullable<AttendeeOptions['listener']>['heard']>>;

export interface TabListener {
  heard(...heard: [...Heard, tab: Tab]): void;
  odd(sentence: string): void;
}

export type TabEnd = 'left' | 'closed' | 'cut';

/**
 * A connection of a user, with its true state, which only the client knows: when it joined, when it last sent a sign of life, and
 * whether and how it ended.
 */
export class Tab {
  readonly attendee: Attendee;
  /** When the join was answered; undefined before that. */
  joinedAt: number | undefined;
  /** The times of its newest frames without a known failure, oldest first. */
  #signs: number[] = [];
  /** When the newest of its frames that the service acknowledged was sent. */
  #servedAt = 0;
  end: { kind: TabEnd; at: number } | undefined;
  /** Whether the tab is frozen: it sends nothing, but its socket is open. */
  frozen = false;
  /** When it was last unfrozen. */
  thawedAt = 0;
  /** Whether a leave was requested and not answered, so that its presence is unknown. */
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

  /**
   * Whether others must see its user because of it: it joined some time ago, and the service acknowledged a frame that it sent within
   * `offlineAfter`. A busy machine may hold up frames that were sent in time. The service hears nothing of the user meanwhile.
   */
  isSolid(now: number, settledMillis: number, offlineAfterMillis: number): boolean {
    if (this.joinedAt === undefined || this.end || this.frozen || this.leaving || !this.attendee.isOpen) return false;
    return now - this.joinedAt >= settledMillis && now - this.#servedAt < offlineAfterMillis;
  }

  /** Until when others may see its user because of it; Infinity while it is open. */
  visibleUntil(graceMillis: number, offlineAfterMillis: number): number {
    const silent = this.lastSign + offlineAfterMillis;
    if (this.end?.kind === 'left') return this.end.at;
    if (this.end) return Math.max(this.end.at + graceMillis, silent);
    return this.frozen ? silent : Number.POSITIVE_INFINITY;
  }

  /** Connects and joins, with retries until it has joined or the tab ends. */
  async arrive(): Promise<void> {
    for (let attempt = 0; !this.end; attempt += 1) {
      try {
        await this.attendee.connect();
        if (this.end) this.attendee.cut();
        else if (await this.#join()) return;
      } catch {
        // The service may refuse a handshake with 503 or the gateway with 500; a client tries again.
      }
      await pause(backOff(attempt));
    }
  }

  send(message: Record<string, unknown> & { type: string }): void {
    if (this.joinedAt !== undefined) this.attendee.send(message);
  }

  /** Sends a request. @returns whether it was acknowledged. */
  async acknowledge(message: Record<string, unknown> & { type: string }): Promise<boolean> {
    if (this.joinedAt === undefined) return false;
    const at = Date.now();
    const isServed = (await this.attendee.ask(message))?.type === 'ack';
    if (isServed) this.#servedAt = Math.max(this.#servedAt, at);
    return isServed;
  }

  /** Stops sending, like a closed laptop. */
  freeze(): void {
    this.frozen = true;
    this.attendee.pause();
    clearTimeout(this.#heartbeat);
  }

  thaw(): void {
    this.frozen = false;
    this.thawedAt = Date.now();
    this.attendee.resume();
    // If others were told of its leave, its next frame is a new join for them.
    if (this.joinedAt !== undefined) this.joinedAt = Date.now();
    this.beat();
  }

  /** Leaves the session with as many requests as needed, and closes. */
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
    void this.acknowledge(this.attendee.heartbeatMessage({ idle: this.#idle() }));
    this.#heartbeat = setTimeout(() => this.beat(), this.#heartbeatMillis);
  }

  async #join(): Promise<boolean> {
    for (let attempt = 0; this.attendee.isOpen && !this.end && !this.leaving; attempt += 1) {
      const at = Date.now();
      if ((await this.attendee.join())?.type === 'session_joined') {
        if (this.end || this.leaving) return true;
        this.joinedAt = Date.now();
        this.#servedAt = Math.max(this.#servedAt, at);
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

  /** A function failed, so the frames that it handled are no signs of life, and the tab sends another one. */
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
