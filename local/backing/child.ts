import type { ChildProcess } from 'node:child_process';
import { killGroup, spawnBound } from '../processes/bound-process.ts';

/** A server process. It keeps the last output lines for the error message if the server fails. */
export interface ServerChild {
  process: ChildProcess;
  /** Resolves with the exit code or signal once the process has ended. */
  ended: Promise<string>;
  lastLines(): string;
  /** Sends the signal, and kills the process group if the process has not ended after ten seconds. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface ServerCommand {
  command: string;
  arguments: string[];
  /** Whether the output so far shows that the server accepts connections. */
  ready: (output: string) => boolean;
  /** The signal that ends the server in order. Default: SIGTERM. */
  endSignal?: 'SIGINT' | 'SIGTERM';
}

const keptCharacters = 4000;
const killAfterMillis = 10_000;

/**
 * The server processes of one owner. Each is registered when it is spawned, so the owner can end all of them at any
 * time.
 */
export class ServerProcesses {
  readonly #running = new Map<ServerChild, NodeJS.Signals>();
  readonly #stopped = new AbortController();

  /** Aborted when no more servers may start. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /**
   * Starts a server and waits until it accepts connections.
   *
   * @throws Error with the server's last output lines if it ends before, or if the servers are being stopped.
   */
  async start({ command, arguments: arguments_, ready, endSignal = 'SIGTERM' }: ServerCommand): Promise<ServerChild> {
    this.stopped.throwIfAborted();
    const child = spawnBound(command, arguments_, { env: serverEnvironment(), endSignal });
    const { server, accepts } = watch(command, child, ready);
    this.#running.set(server, endSignal);
    void server.ended.then(() => this.#running.delete(server));
    await accepts;
    return server;
  }

  /** Ends all servers, also those that are still starting. No other server can start afterwards. */
  async stopAll(): Promise<void> {
    this.#stopped.abort(new Error('The servers are being stopped.'));
    await Promise.all([...this.#running].map(([server, signal]) => server.stop(signal)));
  }
}

/** Starts a server. The caller stops it; it also ends when this process ends. */
export function startServer(
  command: string,
  arguments_: string[],
  ready: (output: string) => boolean,
): Promise<ServerChild> {
  return new ServerProcesses().start({ command, arguments: arguments_, ready });
}

/**
 * The user's PG… variables are meant for PostgreSQL clients. They are removed, because the server would read some of
 * them.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

function watch(
  command: string,
  child: ChildProcess,
  ready: (output: string) => boolean,
): { server: ServerChild; accepts: Promise<void> } {
  let output = '';
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`));
  });
  const server: ServerChild = {
    process: child,
    ended,
    lastLines: () => output.trim().split('\n').slice(-5).join('\n'),
    async stop(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const killTimer = setTimeout(() => killGroup(child), killAfterMillis);
      await ended;
      clearTimeout(killTimer);
    },
  };
  const accepts = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-keptCharacters);
      if (ready(output)) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    // Wait for `close` and not `exit`: the last output may arrive after the process has ended.
    child.once('error', reject);
    child.once('close', (code, signal) =>
      reject(new Error(`${command} ended with ${signal ?? `code ${code}`}: ${server.lastLines()}`)),
    );
  });
  return { server, accepts };
}
