import type { Environment, PageEvent } from '../../../client/environment.ts';
import type { ClientWorld } from './client-world.ts';
import { SimulatedSocket } from './simulated-socket.ts';

/** How often browsers run the timers of a page that is hidden for long, in milliseconds. */
const clampMillis = 60_000;
/** After this time a request over a dead network fails, in milliseconds. */
const deadRequestMillis = 300_000;
const workerTickMillis = 1000;

export interface DeviceOptions {
  /** The error of this machine's clock. */
  skewMillis: number;
  /** Whether the page may start workers. */
  hasWorker: boolean;
}

/** The browser of one tab: a page, timers, sockets and a network, with their faults. */
export class Device {
  readonly environment: Environment;
  readonly sockets = new Set<SimulatedSocket>();
  dials = 0;
  isHidden = false;
  /** Whether the page got the event `offline`. */
  isOffline = false;
  isCut = false;
  isFrozen = false;
  /** Whether the tab was closed; nothing of it runs any more. */
  isGone = false;
  /** Called before each handshake. */
  onDial: () => void = () => {};
  readonly #world: ClientWorld;
  readonly #listeners = new Set<(event: PageEvent) => void>();
  readonly #held: (() => void)[] = [];
  /** The timers that a hidden page runs late, with the functions that run them. */
  readonly #late = new Map<{ at: number; run: () => void }, () => void>();
  #clampedSince: number | undefined;

  constructor(world: ClientWorld, { skewMillis, hasWorker }: DeviceOptions) {
    this.#world = world;
    const device = this;
    class WebSocket extends SimulatedSocket {
      constructor(url: string, protocols: string[] = []) {
        const host = {
          inPage: (run: () => void) => device.inPage(run),
          sent: (socket: SimulatedSocket, text: string) => world.gateway.take(socket, text),
          closed: (socket: SimulatedSocket, code: number) => world.gateway.closedBy(socket, code),
        };
        super(host, url, protocols);
        device.#dial(this);
      }
    }
    this.environment = {
      page: {
        hidden: () => this.isHidden,
        offline: () => this.isOffline,
        listen: (listener) => {
          this.#listeners.add(listener);
          return () => void this.#listeners.delete(listener);
        },
      },
      now: () => world.clock.now + skewMillis,
      random: () => world.random.next(),
      after: (millis, run) => this.#after(millis, run),
      id: () => world.nextId(),
      ticks: hasWorker ? (tick) => this.#tick(tick) : undefined,
      fetch: ((_: string, init: RequestInit) => this.#fetch(init)) as typeof fetch,
      WebSocket,
    };
  }

  /** Runs code in the page, at once or when the page is not frozen any more. */
  inPage(run: () => void): void {
    if (this.isGone) return;
    if (this.isFrozen) this.#held.push(run);
    else run();
  }

  tell(event: PageEvent): void {
    if (this.isGone) return;
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Stops the network. Without `tells` the page gets no event. The sockets may still work when the network returns. */
  cut(tells: boolean): void {
    this.isCut = true;
    for (const { path } of this.sockets) path.block();
    if (!tells) return;
    this.isOffline = true;
    this.tell('offline');
  }

  /** @param forgotten whether the routers have dropped the connections. */
  restore({ tells, forgotten }: { tells: boolean; forgotten: boolean }): void {
    this.isCut = this.isOffline = false;
    if (forgotten) this.endPaths();
    for (const { path } of this.sockets) path.unblock();
    if (tells) this.tell('online');
  }

  /** Ends the paths of all sockets; neither side is informed. */
  endPaths(): void {
    for (const { path } of this.sockets) path.end();
  }

  freeze(): void {
    this.isFrozen = true;
  }

  /** @param event the event of the page; undefined for none, as after the sleep of some machines. */
  thaw(event: PageEvent | undefined): void {
    this.isFrozen = false;
    if (event) this.tell(event);
    for (const run of this.#held.splice(0)) this.inPage(run);
  }

  /** Whether the timers of the page run only once a minute. */
  get isClamped(): boolean {
    return this.#clampedSince !== undefined;
  }

  hide(isClamped: boolean): void {
    this.isHidden = true;
    if (isClamped) this.#clampedSince = this.#world.clock.now;
    this.tell('hidden');
  }

  show(): void {
    this.isHidden = false;
    this.#clampedSince = undefined;
    const { clock } = this.#world;
    // The browser runs the timers of a visible page in time again.
    for (const [{ at }, fire] of this.#late) clock.after(Math.max(0, at - clock.now), fire);
    this.#late.clear();
    this.tell('visible');
  }

  /** Breaks each socket. @param noticed whether the gateway notices. */
  breakSockets(noticed: boolean): void {
    for (const socket of [...this.sockets]) {
      if (noticed) this.#world.gateway.closedBy(socket, 1006);
      else socket.path.end();
      socket.end(1006);
      this.sockets.delete(socket);
    }
  }

  /** Closes the tab and its sockets. */
  destroy(): void {
    this.isFrozen = false;
    this.tell('leaving');
    for (const socket of this.sockets) socket.close(1001);
    this.isGone = true;
    this.#listeners.clear();
  }

  #dial(socket: SimulatedSocket): void {
    this.dials += 1;
    this.onDial();
    this.sockets.add(socket);
    if (this.isCut) socket.path.block();
    this.#world.gateway.dial(this, socket);
  }

  #after(millis: number, run: () => void): () => void {
    const { clock } = this.#world;
    const timer = { at: clock.now + Math.max(0, Math.ceil(millis)), run: () => {} };
    const stop = () => {
      this.#late.delete(timer);
      timer.run = () => {};
    };
    const fire = () =>
      this.inPage(() => {
        const { run: go } = timer;
        stop();
        go();
      });
    timer.run = run;
    const wakeAt = this.#wakeAt(timer.at);
    if (wakeAt > timer.at) this.#late.set(timer, fire);
    clock.after(wakeAt - clock.now, fire);
    return stop;
  }

  #wakeAt(at: number): number {
    const since = this.#clampedSince;
    return since === undefined ? at : since + Math.ceil((at - since) / clampMillis) * clampMillis;
  }

  /** The timer of a worker. It is not slowed down while the page is hidden, and stops while the page is frozen. */
  #tick(tick: () => void): () => void {
    let isStopped = false;
    const again = (): void => {
      if (isStopped || this.isGone) return;
      if (!this.isFrozen) tick();
      this.#world.clock.after(workerTickMillis, again);
    };
    this.#world.clock.after(0, again);
    return () => {
      isStopped = true;
    };
  }

  /** The HTTP request by which a client learns whether its token is refused. */
  #fetch(init: RequestInit): Promise<Response> {
    const { clock, random, gateway } = this.#world;
    const bearer = new Headers(init.headers).get('authorization') ?? '';
    return new Promise((resolve, reject) => {
      if (this.isOffline) reject(new TypeError('Failed to fetch'));
      else if (this.isCut)
        clock.after(deadRequestMillis, () => this.inPage(() => reject(new TypeError('Failed to fetch'))));
      else {
        const answer = () => resolve(new Response(null, { status: gateway.accepts(bearer.slice(7)) ? 200 : 401 }));
        clock.after(random.int(10, 200), () => this.inPage(answer));
      }
    });
  }
}
