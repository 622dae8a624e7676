import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface StackProcessOptions {
  checkout: string;
  environment: Record<string, string>;
  /** The longest wait for the ready line, in milliseconds. */
  startMillis: number;
  log: (line: string) => void;
}

/** How many lines of the stack an error repeats. */
const repeatedLines = 10;
const readyLine = /^Rollcall is ready at /;

/**
 * Runs `npm start` of a checkout and waits until it is ready. It starts the script without npm, because npm does not forward
 * all signals.
 *
 * @throws Error with the last lines of the stack.
 */
export async function startProcess(options: StackProcessOptions): Promise<{ stop(): Promise<void> }> {
  const child = spawn(process.execPath, [join('scripts', 'run.mjs'), 'start'], {
    cwd: options.checkout,
    // The script ends with its parent process only if npm started it, so this sets the variable of npm.
    env: { ...process.env, npm_lifecycle_event: 'start', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  try {
    await ready(child, options);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

/** Waits for the ready line. */
function ready(child: ChildProcess, { startMillis, log }: StackProcessOptions): Promise<void> {
  const last: string[] = [];
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(limit);
      reject(new Error(`Rollcall ${reason}. Its last lines:\n${last.join('\n')}`));
    };
    const limit = setTimeout(() => fail(`was not ready within ${startMillis / 1000} s`), startMillis);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream! }).on('line', (line) => {
        last.push(line);
        if (last.length > repeatedLines) last.shift();
        log(line);
        if (!readyLine.test(line)) return;
        clearTimeout(limit);
        resolve();
      });
    }
    child.once('error', (error) => fail(`could not be started (${error.message})`));
    // `close` comes after the last line; `exit` may come before it.
    child.once('close', (code, signal) => fail(`ended (${signal ?? `code ${code}`}) before it was ready`));
  });
}
