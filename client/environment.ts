/**
 * What the client needs from its platform. The real environment works in browsers, workers and Node.js; `./testing` has one
 * with a virtual clock.
 */

/**
 * Events of a page. `wake`: it runs again after a freeze or sleep; `restored`: it returns from the back-forward cache;
 * `leaving`: it is closed, left or moved to that cache; `input`: the user did something.
 */
export type PageEvent =
  | 'online'
  | 'offline'
  | 'visible'
  | 'hidden'
  | 'wake'
  | 'restored'
  | 'leaving'
  | 'network'
  | 'input';

export interface Page {
  hidden(): boolean;
  /** Whether the last event about the network was `offline`. `navigator.onLine` alone is wrong on some machines. */
  offline(): boolean;
  /** @returns the function that unsubscribes. */
  listen(listener: (event: PageEvent) => void): () => void;
}

/** The part of a WebSocket that the client uses; those of browsers, Node.js and the package `ws` have it. */
export interface Socket {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}
export type SocketConstructor = new (url: string, protocols?: string[]) => Socket;

export interface Environment {
  page: Page;
  /** Unix milliseconds. */
  now(): number;
  /** From 0 up to, but not including, 1. */
  random(): number;
  /** @returns the function that cancels. */
  after(millis: number, run: () => void): () => void;
  /** A UUID, or another text that is unique with the same probability. */
  id(): string;
  /**
   * Calls `tick` at once and then about once per second, by a timer that browsers do not slow down.
   *
   * @returns the function that stops it; undefined if the platform has no such timer.
   */
  ticks?(tick: () => void): (() => void) | undefined;
  fetch?: typeof fetch;
  WebSocket?: SocketConstructor;
  /** Storage of this browser, so that a guest keeps their id after a reload. */
  keep?: Pick<Storage, 'getItem' | 'setItem'>;
}

/** The listened events of the window and of the document. Events without an entry in `meanings` are `input`. */
const pageEvents = 'online offline pagehide pageshow';
const documentEvents = 'visibilitychange resume pointerdown pointermove keydown wheel touchstart';
const meanings: Record<string, PageEvent> = {
  online: 'online',
  offline: 'offline',
  pagehide: 'leaving',
  resume: 'wake',
};

type NetworkInformation = EventTarget & { type?: string };

/** The page in which this code runs. In a worker or in Node.js it is always visible and has only the events of that platform. */
export function createPage(): Page {
  const listeners = new Set<(event: PageEvent) => void>();
  const { document: page, navigator: agent } = globalThis;
  const network = (agent as { connection?: NetworkInformation } | undefined)?.connection;
  let networkType = network?.type;
  let isOffline = false;

  function meaningOf({ type, persisted }: Event & { persisted?: boolean }): PageEvent | undefined {
    if (type === 'visibilitychange') return page.hidden ? 'hidden' : 'visible';
    if (type === 'pageshow') return persisted ? 'restored' : undefined;
    if (type !== 'change') return meanings[type] ?? 'input';
    // The browser sends the same event when its estimate of the speed changes.
    const before = networkType;
    networkType = network?.type;
    return before === networkType ? undefined : 'network';
  }
  function handle(source: Event): void {
    const event = meaningOf(source);
    if (!event) return;
    if (event.endsWith('line')) isOffline = event === 'offline';
    for (const listener of [...listeners]) listener(event);
  }
  function each(method: 'addEventListener' | 'removeEventListener'): void {
    const sources = [
      [globalThis as unknown as EventTarget, pageEvents],
      [page, documentEvents],
      [network, 'change'],
    ] as const;
    for (const [target, names] of sources) {
      for (const name of names.split(' ')) target?.[method]?.(name, handle, { capture: true, passive: true });
    }
  }
  return {
    hidden: () => page?.hidden ?? false,
    offline: () => isOffline,
    listen(listener) {
      if (listeners.size === 0) each('addEventListener');
      listeners.add(listener);
      return () => {
        if (listeners.delete(listener) && listeners.size === 0) each('removeEventListener');
      };
    },
  };
}

/** A small worker: browsers slow down the timers of hidden pages, but not those of their workers. */
function workerTicks(tick: () => void): (() => void) | undefined {
  try {
    const source = new Blob(['postMessage(0);setInterval(()=>postMessage(0),1e3)']);
    const url = URL.createObjectURL(source);
    const worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = tick;
    return () => worker.terminate();
  } catch {
    // A content security policy may forbid workers. Then heartbeats of a hidden page are marked `hidden`.
    return undefined;
  }
}

/** The environment of a browser, a worker or Node.js. Importing this module has no side effects. */
export function createEnvironment(): Environment {
  const isPage = typeof document !== 'undefined';
  return {
    page: createPage(),
    now: Date.now,
    random: Math.random,
    after(millis, run) {
      const timer = setTimeout(run, millis);
      return () => clearTimeout(timer);
    },
    // Pages without https have no `randomUUID`, but object URLs end with a UUID.
    id: () => crypto.randomUUID?.() ?? URL.createObjectURL(new Blob()).slice(-36),
    ticks: isPage ? workerTicks : undefined,
    fetch: globalThis.fetch?.bind(globalThis),
    WebSocket: globalThis.WebSocket as unknown as SocketConstructor,
    keep: isPage ? storage() : undefined,
  };
}

/** The local storage; undefined if the page may not use it, because then reading the property throws. */
function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
