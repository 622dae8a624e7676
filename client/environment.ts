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
  /** Calls `tick` once at once and then once a second or so by a timer no browser slows down; stops when told. */
  ticks?(tick: () => void): () => void;
  fetch?: typeof fetch;
  WebSocket?: SocketConstructor;
  /** Keeps a small text in this browser, so that a guest who reloads is the same guest. */
  keep?: Pick<Storage, 'getItem' | 'setItem'>;
}

const inputs = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'];
const passive = { capture: true, passive: true };

/** The page this code runs in; in a worker or in Node.js it is always visible and says what it can. */
export function createPage(): Page {
  const listeners = new Set<(event: PageEvent) => void>();
  const { document: page, navigator: agent } = globalThis;
  const connection = (agent as { connection?: EventTarget & { type?: string } } | undefined)?.connection;
  let network = connection?.type;
  let isOffline = false;
  const tell = (event: PageEvent) => {
    if (event !== 'input' && event !== 'hidden') isOffline = event === 'offline' || (isOffline && event !== 'online');
    for (const listener of [...listeners]) listener(event);
  };
  const sources: [EventTarget | undefined, string, (event: Event) => void][] = [
    [globalThis as unknown as EventTarget, 'online', () => tell('online')],
    [globalThis as unknown as EventTarget, 'offline', () => tell('offline')],
    [page, 'visibilitychange', () => tell(page.hidden ? 'hidden' : 'visible')],
    [page, 'resume', () => tell('wake')],
    // It also changes with every estimate of the speed.
    [
      connection,
      'change',
      () => {
        if (connection?.type !== network) tell('network');
        network = connection?.type;
      },
    ],
  ];
  if (page) {
    const persisted = (event: Event) => (event as PageTransitionEvent).persisted;
    sources.push([globalThis as unknown as EventTarget, 'pagehide', () => tell('leaving')]);
    sources.push([globalThis as unknown as EventTarget, 'pageshow', (event) => persisted(event) && tell('restored')]);
    for (const name of inputs) sources.push([page, name, () => tell('input')]);
  }
  const each = (method: 'addEventListener' | 'removeEventListener') => {
    for (const [target, name, listener] of sources) target?.[method]?.(name, listener, passive);
  };
  return {
    hidden: () => page?.visibilityState === 'hidden',
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
function workerTicks(tick: () => void): () => void {
  let worker: Worker | undefined;
  try {
    const source = new Blob(['postMessage(0);setInterval(()=>postMessage(0),1e3)']);
    const url = URL.createObjectURL(source);
    worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = tick;
  } catch {
    // A content security policy may forbid workers; without ticks the hidden lease is used instead.
  }
  return () => worker?.terminate();
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
    id: () => crypto.randomUUID?.() ?? uuidOf(crypto.getRandomValues(new Uint8Array(16))),
    ticks: isPage ? workerTicks : undefined,
    fetch: globalThis.fetch?.bind(globalThis),
    WebSocket: globalThis.WebSocket as unknown as SocketConstructor,
    keep: isPage ? storage() : undefined,
  };
}

/** `crypto.randomUUID` exists on secure pages only. */
function uuidOf(bytes: Uint8Array): string {
  bytes[6] = (bytes[6]! & 15) | 64;
  bytes[8] = (bytes[8]! & 63) | 128;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** Reading the property alone throws where a page may not store anything. */
function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}
