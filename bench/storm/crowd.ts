import { setTimeout as pause } from 'node:timers/promises';
import { Attendee, backOff } from './attendee.ts';
import { type Heard, hearing } from './hearing.ts';

export interface Venue {
  http: string;
  websocket: string;
}

export interface CrowdOptions {
  venue: Venue;
  members: number;
  /** The heartbeat interval of all members; each has its own moment within it. */
  heartbeatMillis: number;
  /** Is called every few seconds with the progress of the arrival. */
  progress?(line: string): void;
}

interface Place {
  token: string;
  attendee: Attendee | undefined;
  heard: Heard;
}

const progressMillis = 5000;

/** The result of an arrival. */
export interface Arrival {
  /** Time from the first connect until all members have a complete state. */
  wholeMillis: number;
  /** What each member received meanwhile. */
  heard: Heard[];
}

/** All members of one large room. */
export class Crowd {
  readonly sessionId: string;
  readonly #options: CrowdOptions;
  readonly #places: Place[];
  readonly #heartbeats: NodeJS.Timeout;

  private constructor(options: CrowdOptions, sessionId: string, tokens: string[]) {
    this.#options = options;
    this.sessionId = sessionId;
    this.#places = tokens.map((token) => ({ token, attendee: undefined, heard: hearing() }));
    let next = 0;
    this.#heartbeats = setInterval(() => {
      const { attendee } = this.#places[next++ % tokens.length]!;
      if (attendee?.replica.epoch) attendee.heartbeat();
    }, options.heartbeatMillis / tokens.length);
  }

  /** Creates the session and the tokens. No member joins yet. */
  static async gather(options: CrowdOptions): Promise<Crowd> {
    const { venue, members } = options;
    const host = new Attendee({ ...venue, token: await tokenOf(venue, 'storm-host'), sessionId: '' });
    await host.connect();
    const metadata = { isPublic: true, maxParticipants: 1000 };
    const created = await host.ask({ type: 'session_create', operationId: 'storm', metadata });
    if (created?.type !== 'session_created') throw new Error(`The session was not created: ${JSON.stringify(created)}`);
    const sessionId = created.session.id;
    await host.ask({ type: 'session_leave', sessionId });
    host.close();
    const tokens: string[] = [];
    for (let index = 0; index < members; index += 1) tokens.push(await tokenOf(venue, `storm-${index}`));
    return new Crowd(options, sessionId, tokens);
  }

  /**
   * Connects all members, spread evenly over the given time. They stay.
   *
   * @param timeoutMillis time until all members see all members. @throws Error if they do not by then.
   */
  async arrive(withinMillis: number, timeoutMillis: number): Promise<Arrival> {
    const begun = performance.now();
    const deadline = Date.now() + timeoutMillis;
    for (const place of this.#places) place.heard = hearing();
    const progress = setInterval(() => this.#options.progress?.(this.#describe()), progressMillis);
    const comings = this.#places.map(async (place, index) => {
      await pause((withinMillis * index) / this.#places.length);
      await this.#come(place, deadline);
      place.heard.joinedMillis = performance.now() - begun - (withinMillis * index) / this.#places.length;
    });
    try {
      await Promise.all(comings);
      await this.#completion(deadline);
    } finally {
      clearInterval(progress);
    }
    return { wholeMillis: performance.now() - begun, heard: this.#places.map(({ heard }) => heard) };
  }

  /** Closes all sockets at once, as a deployment does. */
  cut(): void {
    for (const { attendee } of this.#places) attendee?.cut();
  }

  /** Whether all members see all members. */
  get isComplete(): boolean {
    const { members } = this.#options;
    return this.#places.every(
      ({ attendee }) => attendee?.replica.isComplete && attendee.replica.users.size === members,
    );
  }

  end(): void {
    clearInterval(this.#heartbeats);
    this.cut();
  }

  async #completion(deadline: number): Promise<void> {
    while (!this.isComplete) {
      if (Date.now() > deadline) throw new Error(`The arrival took too long: ${this.#describe()}`);
      await pause(20);
    }
  }

  /** Joins one member. After a refusal it retries on the same socket with growing waits, as a client does. */
  async #come(place: Place, deadline: number): Promise<void> {
    for (let attempt = 0; Date.now() < deadline; attempt += 1) {
      const { heard } = place;
      const attendee = new Attendee({ ...this.#options.venue, ...place, sessionId: this.sessionId, listener: heard });
      place.attendee = attendee;
      heard.attempts += 1;
      try {
        await attendee.connect();
        if (await join(attendee, heard, deadline)) return;
      } catch (error) {
        heard.refusals.push((error as Error).message);
      }
      await pause(backOff(attempt));
    }
  }

  #describe(): string {
    const views = this.#places.flatMap(({ attendee }) =>
      attendee?.replica.isComplete ? [attendee.replica.users.size] : [],
    );
    const complete = views.filter((size) => size === this.#options.members).length;
    const attempts = this.#places.reduce((sum, { heard }) => sum + heard.attempts, 0);
    const least = views.length > 0 ? Math.min(...views) : 0;
    return `${complete} of ${this.#places.length} see all, ${views.length} have joined and see ${least} at least, ${attempts} attempts`;
  }
}

async function join(attendee: Attendee, heard: Heard, deadline: number): Promise<boolean> {
  for (let attempt = 0; attendee.isOpen && Date.now() < deadline; attempt += 1) {
    if (attempt > 0) heard.attempts += 1;
    if ((await attendee.join())?.type === 'session_joined') return true;
    await pause(backOff(attempt));
  }
  return false;
}

async function tokenOf({ http }: Venue, user: string): Promise<string> {
  const response = await fetch(`${http}/dev/token?user=${user}&name=${encodeURIComponent(`Member of ${user}`)}`);
  return ((await response.json()) as { token: string }).token;
}
