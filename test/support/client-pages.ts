import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserServer, Page } from 'playwright-core';
import type * as Package from '../../client/index.ts';
import type { LocalStackOptions } from '../../local/stack.ts';
import { newPage, startBrowser } from './browser.ts';
import { startTestStack, type TestStack } from './stack.ts';

declare global {
  var rollcall: typeof Package;
  var client: Package.Client;
  var session: Package.Session;
  /** The events of the page, in order. */
  var seen: string[];
}

/** A page with a client of the package. */
export interface ClientPage {
  page: Page;
  /** The frames that the page sends. */
  sent: string[];
}

export interface ClientPageOptions {
  /** Gives the token of each handshake. Default: one of the local identity provider. */
  token?: () => Promise<string>;
  /** The client believes that the service asks it to replace its connection after this time. */
  rolloverSeconds?: number;
}

export interface ClientPages {
  readonly stack: TestStack;
  /** Opens a page whose client belongs to this user and has not connected yet. */
  open(user: string, options?: ClientPageOptions): Promise<ClientPage>;
  /** Opens two pages in one session; the first user owns it. Waits until they see each other. */
  pair(name: string, options?: ClientPageOptions): Promise<{ ada: ClientPage; bob: ClientPage }>;
}

/** The package as a script, which defines the global variable `rollcall`. */
export async function clientScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(__dirname, '../../client/index.ts')],
    bundle: true,
    minify: true,
    format: 'iife',
    globalName: 'rollcall',
    target: 'es2022',
    write: false,
  });
  // A top-level `var` of an evaluated or added script is a global variable.
  return outputFiles[0]!.text;
}

/** Starts the stack and Chromium before the tests of a file and ends them after it. After each test its pages are closed. */
export function useClientPages(
  settings: Record<string, string>,
  options: Partial<LocalStackOptions> = {},
): ClientPages {
  let stack: TestStack;
  let browser: Browser;
  let server: BrowserServer;
  let script: string;
  const pages: Page[] = [];

  beforeAll(async () => {
    [stack, { browser, server }, script] = await Promise.all([
      startTestStack(settings, options),
      startBrowser(),
      clientScript(),
    ]);
  });
  afterEach(async () => {
    await Promise.all(pages.splice(0).map((page) => page.context().close()));
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await stack?.close();
  });

  async function open(user: string, { token, rolloverSeconds }: ClientPageOptions = {}): Promise<ClientPage> {
    const page = await newPage(browser);
    pages.push(page);
    const sent: string[] = [];
    page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => sent.push(String(payload))));
    if (token) await page.exposeFunction('tokenOfTest', token);
    // A page of the stack itself, because a browser may refuse pages of other origins a socket to this machine.
    await page.goto(`${stack.http}/health`);
    await page.addScriptTag({ content: script });
    await page.evaluate(createClient, { user, url: stack.websocket, rolloverSeconds });
    return { page, sent };
  }

  return {
    get stack() {
      return stack;
    },
    open,
    async pair(name, pageOptions) {
      const ada = await open(`${name}-ada`, pageOptions);
      const sessionId = await ada.page.evaluate(async () => {
        const create = () => client.create({ operationId: 'op', metadata: { isPublic: true } });
        // On a busy machine the first attempt may take too long. The operation id makes a second one safe.
        globalThis.session = await create().catch(create);
        session.on('left', ({ cause }) => seen.push(`left ${cause}`));
        return session.id;
      });
      const bob = await open(`${name}-bob`, pageOptions);
      await bob.page.evaluate(async (id) => {
        globalThis.session = client.join(id);
        // On a busy machine the first ten seconds may not be enough; then the client goes on trying.
        await session.ready.catch(() => session.ready);
      }, sessionId);
      await ada.page.waitForFunction(() => session.others.length === 1);
      return { ada, bob };
    },
  };
}

/** Runs in the page. */
function createClient({ user, url, rolloverSeconds }: { user: string; url: string; rolloverSeconds?: number }): void {
  const given = (globalThis as { tokenOfTest?: () => Promise<string> }).tokenOfTest;
  const { set: listen } = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage')!;
  /** The socket of the browser, with another time in `welcome`. */
  class Brief extends WebSocket {
    constructor(address: string, protocols?: string[]) {
      super(address, protocols);
      const set = (handle: ((event: MessageEvent) => void) | null) => {
        listen!.call(this, ({ data }: MessageEvent<string>) => {
          const text = data.replace(/"rolloverSeconds":\d+/, `"rolloverSeconds":${rolloverSeconds}`);
          handle?.(new MessageEvent('message', { data: text }));
        });
      };
      Object.defineProperty(this, 'onmessage', { set });
    }
  }
  globalThis.seen = [];
  globalThis.client = rollcall.createClient({
    url,
    token:
      given ?? (async () => (user ? (await (await fetch(`/dev/token?user=${user}`)).json()).token : 'not-a-token')),
    ...(rolloverSeconds === undefined ? {} : { WebSocket: Brief as never }),
  });
  client.on('state', (state) => seen.push(state));
  client.on('error', ({ code }) => seen.push(code));
}
