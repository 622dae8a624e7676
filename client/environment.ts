/**
 * What the client needs of the place it runs in. The real one works in browsers, workers and Node.js; `./testing` gives
 * one with a virtual clock.
 */

/**
 * What a page tells. `wake`: it runs again after a freeze or a sleep; `restored`: it comes back from the back-forward
 * cache; `leaving`: it is closed, left or put there; `input`: the person did something.
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
  /** Whether the page was told that it has no network. `navigator.onLine` alone is wrong on some machines. */
  offline(): boolean;
  /** @returns the function that unsubscribes. */
  listen(listener: (event: PageEvent) => void): () => void;
}

/** The part of a WebSocket the client uses: the browser's, Node's and the package `ws` all have it. */
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
  /** A UUID, or something as unlikely to come twice. */
  id(): string;
  /** Calls `tick` once at once and then once a second or so by a timer no browser slows down; stops when told. Undefined where that cannot be. */
  ticks?(tick: () => void): (() => void) | undefined;
  fetch?: typeof fetch;
  WebSocket?: SocketConstructor;
  /** Keeps a small text in this browser, so that a guest who reloads is the same guest. */
  keep?: Pick<Storage, 'getItem' | 'setItem'>;
}

/** Where a page's events come from; those of the document that are not named below are input. */
const pageEvents = 'online offline pagehide pageshow';
const documentEvents = 'visibilitychange resume pointerdown pointermove keydown wheel touchstart';
const meanings: Record<string, PageEvent> = {
  online: 'online',
  offline: 'offline',
  pagehide: 'leaving',
  resume: 'wake',
};

type NetworkInformation = EventTarget & { type?: string };

/** The page this code runs in; in a worker or in Node.js it is always visible and says what it can. */
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
    // The browser also tells of each estimate of the speed.
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

/** A worker of a few characters: browsers slow a hidden page's timers down, but not those of its workers. */
function workerTicks(tick: () => void): (() => void) | undefined {
  try {
    const source = new Blob(['postMessage(0);setInterval(()=>postMessage(0),1e3)']);
    const url = URL.createObjectURL(source);
    const worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = tick;
    return () => worker.terminate();
  } catch {
    // A content security policy may forbid workers; without ticks the hidden lease is used instead.
    return undefined;
  }
}

/** The environment of a browser, a worker or Node.js. Nothing is touched before this is called. */
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
    // Pages that are not secure have no `randomUUID`, but the addresses of objects end in one.
    id: () => crypto.randomUUID?.() ?? URL.createObjectURL(new Blob()).slice(-36),
    ticks: isPage ? workerTicks : undefined,
    fetch: globalThis.fetch?.bind(globalThis),
    WebSocket: globalThis.WebSocket as unknown as SocketConstructor,
    keep: isPage ? storage() : undefined,
  };
}

/** Reading the property alone throws where a page may not store anything. */
function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
