import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright-core';
import type { ServerFrame } from '../../protocol/frames.ts';
import { answers } from '../../scripts/references/asyncapi.ts';
import { newPage, startBrowser } from '../support/browser.ts';
import { tokenOf } from '../support/client.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { sendEveryMessage } from './every-message.ts';

// Clients without the package: each message works, and is answered as docs/asyncapi.json says.

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack?.close());

const users = ['ada', 'bob'] as const;
let requests = 0;

/** A connection of `wscat`. */
class Wscat {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<string, (frame: ServerFrame) => void>();
  readonly #output: string[] = [];
  readonly #ended: Promise<never>;

  constructor(url: string) {
    const program = createRequire(__filename).resolve('wscat/bin/wscat');
    const options = ['--no-color', '--connect', url];
    this.#process = spawn(process.execPath, [program, ...options], { stdio: ['pipe', 'pipe', 'pipe'] });
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface(stream).on('line', (line) => this.#read(line));
    }
    this.#ended = once(this.#process, 'close').then(() => {
      throw new Error(`wscat ended:\n${this.#output.join('\n')}`);
    });
  }

  #read(line: string): void {
    this.#output.push(line);
    // A prompt may stand before the frame.
    const [text] = /\{.*\}$/.exec(line) ?? [];
    if (text) this.#waiting.get(JSON.parse(text).requestId)?.(JSON.parse(text));
  }

  #answer(requestId: string): Promise<ServerFrame> {
    const answered = new Promise<ServerFrame>((resolve) => this.#waiting.set(requestId, resolve));
    return Promise.race([answered, this.#ended]);
  }

  /** In a pipe, wscat does not say that it is connected, and ignores what it is told before. So this repeats a message. */
  async connected(): Promise<void> {
    const repeating = setInterval(() => this.#process.stdin!.write('{"type":"ping","requestId":"connected"}\n'), 200);
    await this.#answer('connected').finally(() => clearInterval(repeating));
  }

  async ask(message: object): Promise<ServerFrame> {
    requests += 1;
    const requestId = `request-${requests}`;
    this.#process.stdin!.write(`${JSON.stringify({ ...message, requestId })}\n`);
    return this.#answer(requestId);
  }

  close(): void {
    this.#process.kill();
  }
}

test('wscat sends every message', async () => {
  const open = async (user: string) => {
    const { token } = await tokenOf(stack, `cat-${user}`, { admin: user === 'ada' });
    const client = new Wscat(`${stack.websocket}?token=${token}`);
    await client.connected();
    return client;
  };
  const [ada, bob] = await Promise.all(users.map(open));
  try {
    expect(await sendEveryMessage((user, message) => (user === 'ada' ? ada! : bob!).ask(message))).toEqual(answers);
  } finally {
    ada!.close();
    bob!.close();
  }
});

test('a page with a WebSocket of the browser sends every message', async () => {
  const { browser, server } = await startBrowser();
  try {
    const page = await newPage(browser);
    await page.goto(`${stack.http}/health`);
    for (const user of users) await openSocket(page, user);
    const ask = (user: string, message: object) =>
      page.evaluate(
        ({ user, message }) => {
          const socket = sockets[user]!;
          const requestId = crypto.randomUUID();
          return new Promise<ServerFrame>((resolve) => {
            socket.addEventListener('message', ({ data }) => {
              const frame = JSON.parse(data);
              if (frame.requestId === requestId) resolve(frame);
            });
            socket.send(JSON.stringify({ ...message, requestId }));
          });
        },
        { user, message },
      );
    expect(await sendEveryMessage(ask)).toEqual(answers);
  } finally {
    await browser.close();
    await server.close();
  }
});

declare global {
  var sockets: Record<string, WebSocket>;
}

function openSocket(page: Page, user: string): Promise<void> {
  return page.evaluate(
    async ({ user, url }) => {
      const { token } = await (await fetch(`/dev/token?user=page-${user}${user === 'ada' ? '&admin=1' : ''}`)).json();
      const socket = new WebSocket(url, ['rollcall.v1', `bearer.${token}`]);
      globalThis.sockets = { ...globalThis.sockets, [user]: socket };
      await new Promise<void>((resolve, reject) => {
        socket.onopen = () => resolve();
        socket.onclose = () => reject(new Error('The handshake failed.'));
      });
    },
    { user, url: stack.websocket },
  );
}
