import type { Client, ClientOptions, Session } from '../../../client/index.ts';
import { tokenFor } from '../../../client/testing/token.ts';
import type { ClientWorld } from './client-world.ts';
import { Device } from './device.ts';
import { Disturbances } from './disturbances.ts';
import { PromiseWatch } from './promise-watch.ts';

/** How the gateway answers the handshakes of a tab. */
export type HandshakeAnswer = 'normal' | 'refused' | 'none';
/** The kind of token that `token()` returns. */
type Login = 'in' | 'out' | 'bad';

/** The state of a session in one tab. */
export interface Room {
  session: Session;
  /** When the user joined it. */
  since: number;
  /** When the first answer to the join arrived. */
  joinedAt: number | undefined;
}

/** The last state that the user set in a session, since this tab joined. */
export interface SaidLast {
  activity?: string | null;
  /** By key; `null` if the key was removed. */
  data: Record<string, number | null>;
  isInvisible?: boolean;
  position?: number;
}

/** Within how many milliseconds others must see a user who is back. */
const seenWithinMillis = 1000 + 100;
/** For this many milliseconds after a join, others may still get the leave of the earlier stay. */
const settlingMillis = 5000;
/** The longest disturbance without a leave, in milliseconds: the grace minus the time to reconnect. */
const bridgedMillis = 10_000;

/** One browser tab with the real client, and the checks that apply to it at all times. */
export class Tab {
  readonly userId: string;
  readonly name: string;
  readonly disturbances: Disturbances;
  readonly rooms = new Map<string, Room>();
  readonly said = new Map<string, SaidLast>();
  device!: Device;
  client!: Client;
  promises!: PromiseWatch;
  handshakes: HandshakeAnswer = 'normal';
  login: Login = 'in';
  token = '';
  tokenCalls = 0;
  /** Whether the application closed the client. Then only `connect()` may open a socket. */
  isClosed = false;
  /** When the tab was last closed on purpose, so that others may see a leave after the short grace. */
  partedAt = Number.NEGATIVE_INFINITY;
  /** Until when the user does not act in the tab. */
  quietUntil = 0;
  readonly #world: ClientWorld;
  /** The sessions in which the service took the join of another tab for the return of this one (rule PR7). */
  readonly #replaced = new Set<string>();
  /** Functions that end the disturbances when the tab is back. */
  readonly #recovering = new Set<() => void>();
  /** Functions to call when the page becomes visible, because a hidden page does not connect. */
  readonly #onceVisible: (() => void)[] = [];
  #loads = 0;
  #endFailing: (() => void) | undefined;

  constructor(world: ClientWorld, userId: string, name: string) {
    this.#world = world;
    this.userId = userId;
    this.name = name;
    this.disturbances = new Disturbances(() => world.clock.now);
  }

  /** Loads the page, with a new client that joins the given sessions. */
  load(sessionIds: readonly string[]): void {
    const world = this.#world;
    const { random } = world;
    const name = `${this.name}.${++this.#loads}`;
    const skewMillis = random.chance(0.3) ? random.int(-300_000, 300_000) : 0;
    const device = new Device(world, { skewMillis, hasWorker: random.chance(0.5) });
    device.onDial = () => this.#refuseDial();
    const options: ClientOptions = { url: 'ws://rollcall.test/live', token: () => this.#giveToken() };
    const client = world.createClient(device.environment, options);
    this.device = device;
    this.client = client;
    this.promises = new PromiseWatch(
      () => world.clock.now,
      device,
      (text) => this.violate(text),
    );
    this.rooms.clear();
    this.said.clear();
    this.isClosed = false;
    world.note(`${name} is loaded`);
    client.on('state', (state) => {
      if (this.client === client) world.note(`${name} is ${state}`);
    });
    for (const sessionId of sessionIds) this.join(sessionId);
  }

  join(sessionId: string): void {
    const world = this.#world;
    const key = String(world.sessionIds.indexOf(sessionId) + 1);
    const session = world.random.chance(0.5) ? this.client.open(key) : this.client.join(sessionId);
    const room: Room = { session, since: world.clock.now, joinedAt: undefined };
    this.rooms.set(sessionId, room);
    this.promises.add(`ready of ${this.name}`, session.ready);
    let shown = session.others.length;
    session.subscribe(() => {
      const now = session.others.length;
      if (session.state === 'stale' && now < shown) this.violate('[row 16] a stale list shrinks');
      shown = now;
    });
    session.on('state', (state) => {
      world.note(`${this.name} has ${sessionId} ${state}`);
      if (state === 'joined' && this.rooms.get(sessionId) === room) this.#joined(sessionId, room);
    });
    session.on('left', ({ user, cause }) => {
      // A frame that was delayed by a fault may report a leave of long ago.
      const isFresh = this.disturbances.disturbedMillis(world.clock.now - settlingMillis) === 0;
      if (isFresh || !cause) world.leaveTold(sessionId, user.userId, `${cause}, to ${this.name}`);
    });
  }

  async leave(sessionId: string): Promise<void> {
    const room = this.rooms.get(sessionId);
    if (!room) return;
    this.rooms.delete(sessionId);
    this.said.delete(sessionId);
    this.#world.note(`${this.name} leaves ${sessionId}`);
    await new Promise<void>((resolve) => {
      this.promises.add(`leave() of ${this.name}`, room.session.leave(), () => resolve());
    });
  }

  violate(text: string): void {
    this.#world.violate(`${text} (${this.name})`);
  }

  /** Whether the tab is in all its sessions and its frames reach the service. */
  get isUp(): boolean {
    return this.#isUp(this.#world.clock.now);
  }

  /** The same for the sessions that the user joined until a time. */
  #isUp(until: number): boolean {
    const { client, device, rooms } = this;
    const joined = [...rooms.values()].every(({ session, since }) => since > until || session.state === 'joined');
    return (
      client.state === 'open' && joined && !device.isCut && !device.isFrozen && this.#world.gateway.canHear(device)
    );
  }

  /**
   * Whether this tab makes its user visible in a session: it joined, it was not closed on purpose, and its disturbances since then
   * are too short for a leave.
   */
  mustBeSeen(sessionId: string): boolean {
    const { now } = this.#world.clock;
    const { offlineAfterMillis } = this.#world.timings;
    const joinedAt = this.rooms.get(sessionId)?.joinedAt;
    if (joinedAt === undefined || this.isClosed || this.device.isGone || this.#replaced.has(sessionId)) return false;
    const since = Math.max(now - offlineAfterMillis, joinedAt);
    if (now - joinedAt < settlingMillis || this.partedAt >= since) return false;
    return this.disturbances.disturbedMillis(since) <= bridgedMillis;
  }

  /** Notes that a fault outside the client disturbs the tab. */
  disturb(): { end: () => void } {
    return { end: this.disturbances.disturb() };
  }

  /**
   * Ends the fault. The tab must be back in its sessions within a time, and counts as disturbed until it is.
   *
   * @param rule the beginning of the violation if it is not; absent if there is no time limit.
   */
  heal({ end }: { end: () => void }, millis: number, rule?: string): void {
    if (this.device.isHidden) {
      this.#onceVisible.push(() => this.heal({ end }, millis, rule));
      return;
    }
    const { device } = this;
    const { clock } = this.#world;
    const healedAt = clock.now;
    if (this.isUp) end();
    else this.#recovering.add(end);
    clock.after(millis, () => {
      const wasDisturbed = this.disturbances.changedSince(healedAt) && this.#recovering.has(end);
      this.#recovering.delete(end);
      end();
      const isSame = this.device === device && !device.isGone && !this.isClosed && !device.isHidden;
      if (!rule || !isSame || wasDisturbed || this.disturbances.isDisturbed || this.#isUp(healedAt)) return;
      if (this.#world.isPunctual) this.violate(`${rule} not back ${millis} ms later: ${this.client.state}`);
    });
  }

  show(): void {
    if (!this.device.isHidden) return;
    this.promises.noteSluggish();
    this.device.show();
    for (const goOn of this.#onceVisible.splice(0)) goOn();
  }

  #joined(sessionId: string, room: Room): void {
    const world = this.#world;
    this.#replace(sessionId, room);
    room.joinedAt ??= world.clock.now;
    this.client.state === 'open' && this.#endRecovery();
    const { device } = this;
    const at = world.clock.now;
    world.clock.after(seenWithinMillis, () => {
      const stayed = this.device === device && room.session.state === 'joined' && !this.disturbances.changedSince(at);
      if (stayed && this.rooms.get(sessionId) === room && this.isUp) world.checkSeen(sessionId, this, at);
    });
  }

  /**
   * A join uses a grace of its user, whichever tab that belongs to. If this tab has none, the other tab that is disconnected has none
   * afterwards. So the user leaves if this tab then leaves before the other one is back.
   */
  #replace(sessionId: string, { joinedAt }: Room): void {
    const { clock, timings } = this.#world;
    const disturbed = this.disturbances.disturbedMillis(clock.now - timings.graceMillis);
    const hadGrace = joinedAt !== undefined && disturbed > 0 && disturbed < timings.graceMillis;
    this.#replaced.delete(sessionId);
    if (hadGrace) return;
    for (const other of this.#world.tabsOf(this.userId))
      if (other !== this && other.disturbances.isDisturbed) other.#replaced.add(sessionId);
  }

  #endRecovery(): void {
    if (!this.isUp) return;
    for (const end of this.#recovering) end();
    this.#recovering.clear();
  }

  /** Checks that neither a hidden page nor a closed client connects (rows 3 and 4). */
  #refuseDial(): void {
    if (this.device.isHidden) this.violate('[row 3] a hidden page connects');
    if (this.isClosed) this.violate('[row 4] a closed client connects');
  }

  async #giveToken(): Promise<string | null> {
    const { clock, random, profile, faulty } = this.#world;
    this.tokenCalls += 1;
    await new Promise<void>((resolve) => clock.after(random.int(1, 300), () => this.device.inPage(resolve)));
    if (this.login === 'out') return null;
    if (this.login === 'bad') return 'not-a-token';
    if (faulty && random.chance(profile.tokenFails)) {
      this.#endFailing ??= this.disturbances.disturb();
      throw new Error('the sign-in service is down');
    }
    this.#endFailing?.();
    this.#endFailing = undefined;
    const [least, most] = profile.tokenSeconds;
    // The fraction makes tokens of the same second different.
    const exp = clock.now / 1000 + random.int(least, most) + random.next() / 1000;
    this.token = tokenFor({ sub: this.userId, name: `name of ${this.userId}`, exp });
    return this.token;
  }
}
