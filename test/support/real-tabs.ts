import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { chromiumArguments, chromiumPath } from './browser.ts';
import { timeLimits } from './time-limits.ts';

interface Answer {
  id?: number;
  result?: unknown;
  error?: { message: string };
}

interface Evaluated {
  result: { value: unknown };
  exceptionDetails?: { text: string; exception?: { description?: string } };
}

/**
 * Chromium with tabs in one window, as a user has them. Playwright keeps each page visible and its timers exact; here a tab behind
 * another one is hidden, and the browser throttles its timers.
 */
export class RealTabs {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #pending = new Map<number, (answer: Answer) => void>();
  #ids = 0;

  private constructor(process: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = process;
    this.#profile = profile;
    this.#socket = socket;
    socket.on('message', (data) => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id === undefined) return;
      this.#pending.get(answer.id)?.(answer);
      this.#pending.delete(answer.id);
    });
  }

  static async start(): Promise<RealTabs> {
    const profile = await mkdtemp(join(tmpdir(), 'rollcall-tabs-'));
    const mode = ['--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`];
    const browser = spawn(chromiumPath(), [...chromiumArguments, ...mode, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const socket = new WebSocket(await addressOf(browser));
    await once(socket, 'open');
    return new RealTabs(browser, profile, socket);
  }

  /** Opens a tab in the foreground. */
  async open(url: string): Promise<RealTab> {
    const { targetId } = await this.send<{ targetId: string }>('Target.createTarget', { url });
    const { sessionId } = await this.send<{ sessionId: string }>('Target.attachToTarget', { targetId, flatten: true });
    const tab = new RealTab(this, targetId, sessionId);
    await tab.until(`location.href !== 'about:blank' && document.readyState === 'complete'`);
    return tab;
  }

  /** Sends a command of the DevTools protocol. @throws Error with the message of the browser. */
  send<T>(method: string, params: object = {}, sessionId?: string): Promise<T> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, ({ result, error }) => {
        if (error) reject(new Error(`${method}: ${error.message}`));
        else resolve(result as T);
      });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    });
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#socket.close();
    this.#process.kill();
    await ended;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** One tab. */
export class RealTab {
  readonly #tabs: RealTabs;
  readonly #targetId: string;
  readonly #sessionId: string;

  constructor(tabs: RealTabs, targetId: string, sessionId: string) {
    this.#tabs = tabs;
    this.#targetId = targetId;
    this.#sessionId = sessionId;
  }

  /** Brings the tab to the foreground, so that the others are hidden. */
  async show(): Promise<void> {
    await this.#tabs.send('Target.activateTarget', { targetId: this.#targetId });
  }

  /** Runs an expression in the page and waits for its promise. @throws Error if the expression throws. */
  async run<T>(expression: string): Promise<T> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#tabs.send<Evaluated>('Runtime.evaluate', params, this.#sessionId);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value as T;
  }

  /** Runs a function in the page. Its arguments are JSON, and it uses no variable of the test. */
  call<A extends unknown[], T>(work: (...given: A) => T, ...given: A): Promise<Awaited<T>> {
    return this.run(`(${work.toString()})(...${JSON.stringify(given)})`);
  }

  /** Waits until an expression is true in the page. The page is asked from outside, because its own timers may be late. */
  async until(expression: string, millis: number = timeLimits.event): Promise<void> {
    const end = Date.now() + millis;
    while (!(await this.run<boolean>(`Boolean(${expression})`))) {
      if (Date.now() > end) throw new Error(`This was not true within ${millis} ms: ${expression}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The address of the DevTools protocol, which Chromium prints when it has started. */
function addressOf(browser: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    browser.stderr!.on('data', (data) => {
      text += data;
      const found = /DevTools listening on (ws:\S+)/.exec(text)?.[1];
      if (found) resolve(found);
    });
    browser.once('exit', () => reject(new Error(`Chromium ended at its start: ${text}`)));
    browser.once('error', reject);
  });
}
