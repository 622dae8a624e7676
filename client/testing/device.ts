import type { Environment, PageEvent, Socket } from '../environment.ts';
import type { Clock } from './clock.ts';

/** The server side of a socket. */
export interface ServerSocket {
  send(text: string): void;
  close(code: number): void;
  onText: (text: string) => void;
  /** The code is undefined if the connection broke without a close frame. */
  onClose: (code: number) => void;
}

/** Answers a handshake: the status of a refusal, or undefined to accept it. */
export type Accept = (url: string, protocols: readonly string[], socket: ServerSocket) => number | undefined;

/** The browser of one client: a page, timers and a network that tests can disturb. */
export interface Device {
  environment: Environment;
  /** The number of handshakes so far. */
  readonly dials: number;
  /** The number of timers and listeners, to find leaks. */
  readonly held: number;
  tell(event: PageEvent): void;
  /** The network loses all data in both directions without closing sockets. With `tells` the page gets the event `offline`. */
  cut(tells: boolean): void;
  restore(): void;
  freeze(): void;
  /** Without `tells` the page gets no event, as after a sleep on some machines. */
  thaw(tells?: boolean): void;
  /** With `clamped` the timers of the hidden page run once a minute. */
  hide(clamped: boolean): void;
  show(): void;
  /** Ends each socket on the client's side as if it broke. */
  breakSockets(isServiceTold: boolean): void;
}

const minute = 60_000;
/** Routers drop silent connections: after a freeze of this many milliseconds a socket is dead. */
const forgottenAfter = minute;

class MemorySocket implements Socket {
  readyState = 0;
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onerror: Socket['onerror'] = null;
  onclose: Socket['onclose'] = null;
  /** Whether the network still transmits its data. */
  isAlive = true;
  server: ServerSocket | undefined;
  readonly #deliver: (run: () => void) => void;

  constructor(deliver: (run: () => void) => void) {
    this.#deliver = deliver;
  }
  send(text: string): void {
    if (this.readyState !== 1) throw new Error('The socket is not open.');
    queueMicrotask(() => this.isAlive && this.server?.onText(text));
  }
  close(code = 1005): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    queueMicrotask(() => this.isAlive && this.server?.onClose(code));
    this.end(code);
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.({} as never);
  }
  receive(text: string): void {
    this.#deliver(() => {
      if (this.isAlive && this.readyState === 1) this.onmessage?.({ data: text } as never);
    });
  }
  end(code: number): void {
    this.#deliver(() => {
      if (this.readyState === 3) return;
      this.readyState = 3;
      if (code === 1006) this.onerror?.({} as never);
      this.onclose?.({ code } as never);
    });
  }
}

export function createDevice(clock: Clock, accept: Accept, options: { random: () => number; worker: boolean }): Device {
  const sockets = new Set<MemorySocket>();
  const listeners = new Set<(event: PageEvent) => void>();
  const held: (() => void)[] = [];
  let timers = 0;
  let dials = 0;
  let isCut = false;
  let isOffline = false;
  let isHidden = false;
  let hiddenAt: number | undefined;
  let frozenAt: number | undefined;

  /** Events for a frozen page wait until it runs again. */
  const deliver = (run: () => void) => queueMicrotask(() => (frozenAt === undefined ? run() : held.push(run)));
  const tell = (event: PageEvent) => {
    for (const listener of [...listeners]) listener(event);
  };

  function wakeAt(millis: number): number {
    const at = clock.now() + Math.max(0, millis);
    if (hiddenAt === undefined) return at;
    return hiddenAt + Math.ceil((at - hiddenAt) / minute) * minute;
  }

  function after(millis: number, run: () => void): () => void {
    timers += 1;
    let isDone = false;
    const finish = () => {
      if (isDone) return false;
      isDone = true;
      timers -= 1;
      return true;
    };
    const fire = () => {
      if (isDone) return;
      if (frozenAt !== undefined) held.push(fire);
      else if (finish()) run();
    };
    const cancel = clock.after(wakeAt(millis) - clock.now(), fire);
    return () => {
      if (finish()) cancel();
    };
  }

  function dial(socket: MemorySocket, url: string, protocols: readonly string[]): void {
    if (isCut || socket.readyState !== 0) return;
    const server: ServerSocket = {
      send: (text) => queueMicrotask(() => socket.receive(text)),
      close: (code) => queueMicrotask(() => socket.isAlive && socket.end(code)),
      onText: () => {},
      onClose: () => {},
    };
    const status = accept(url, protocols, server);
    if (status !== undefined) {
      socket.end(1006);
      return;
    }
    socket.server = server;
    deliver(() => socket.open());
  }

  function WebSocket(url: string, protocols: string[] = []): Socket {
    dials += 1;
    const socket = new MemorySocket(deliver);
    sockets.add(socket);
    queueMicrotask(() => dial(socket, url, protocols));
    return socket;
  }

  const loseSockets = () => {
    for (const socket of sockets) socket.isAlive = false;
    sockets.clear();
  };

  return {
    environment: {
      page: {
        hidden: () => isHidden,
        offline: () => isOffline,
        listen(listener) {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
      },
      now: clock.now,
      random: options.random,
      after,
      id: () => crypto.randomUUID(),
      ticks: options.worker ? (tick) => tickEverySecond(clock, tick) : undefined,
      WebSocket: WebSocket as unknown as NonNullable<Environment['WebSocket']>,
    },
    get dials() {
      return dials;
    },
    get held() {
      return timers + listeners.size;
    },
    tell,
    cut(tells) {
      isCut = true;
      isOffline = tells;
      loseSockets();
      if (tells) tell('offline');
    },
    restore() {
      isCut = isOffline = false;
    },
    freeze() {
      frozenAt = clock.now();
    },
    thaw(tells = true) {
      if (frozenAt === undefined) return;
      if (clock.now() - frozenAt >= forgottenAfter) loseSockets();
      frozenAt = undefined;
      if (tells) tell('wake');
      for (const run of held.splice(0)) run();
    },
    hide(clamped) {
      isHidden = true;
      if (clamped) hiddenAt = clock.now();
      tell('hidden');
    },
    show() {
      isHidden = false;
      hiddenAt = undefined;
      tell('visible');
    },
    breakSockets(isServiceTold) {
      for (const socket of sockets) {
        if (isServiceTold) socket.server?.onClose(1006);
        socket.server = undefined;
        socket.end(1006);
      }
      sockets.clear();
    },
  };
}

/** The timer of a worker, which browsers do not slow down. */
function tickEverySecond(clock: Clock, tick: () => void): () => void {
  let cancel = clock.after(0, function again() {
    tick();
    cancel = clock.after(1000, again);
  });
  return () => cancel();
}
