import type { ChildProcess } from 'node:child_process';
import { killGroup, spawnBound } from '../processes/bound-process.ts';

/** A server process and the last lines it printed, for the sentence that says why it failed. */
export interface ServerChild {
  process: ChildProcess;
  /** Resolves with the exit code or signal once the process has ended. */
  ended: Promise<string>;
  lastLines(): string;
  /** Asks the process to end, and insists after ten seconds. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface ServerCommand {
  command: string;
  arguments: string[];
  /** Looks at the output so far and says whether the server now accepts connections. */
  ready: (output: string) => boolean;
  /** What the server takes as an order to end; default SIGTERM. */
  endSignal?: 'SIGINT' | 'SIGTERM';
}

const keptCharacters = 4000;
const patienceMillis = 10_000;

/** The server processes of one owner. It knows each from its spawn on, so that it can end all of them at any moment. */
export class ServerProcesses {
  readonly #running = new Map<ServerChild, NodeJS.Signals>();
  readonly #stopped = new AbortController();

  /** Aborted once no server may start any more. */
  get stopped(): AbortSignal {
    return this.#stopped.signal;
  }

  /**
   * Starts a server and waits until it accepts connections.
   *
   * @throws Error with the server's last lines when it ends before; Error when the servers are being ended.
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

  /** Ends every server, also those that are still starting, and lets no other start. */
  async stopAll(): Promise<void> {
    this.#stopped.abort(new Error('The servers are being ended.'));
    await Promise.all([...this.#running].map(([server, signal]) => server.stop(signal)));
  }
}

/** Starts a server that its caller ends; it also ends with this process. */
export function startServer(
  command: string,
  arguments_: string[],
  ready: (output: string) => boolean,
): Promise<ServerChild> {
  return new ServerProcesses().start({ command, arguments: arguments_, ready });
}

/** PG… variables of the user's shell are for their clients; PostgreSQL's server would read some of them, too. */
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
      const insist = setTimeout(() => killGroup(child), patienceMillis);
      await ended;
      clearTimeout(insist);
    },
  };
  const accepts = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-keptCharacters);
      if (ready(output)) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    // What it wrote last may arrive after its end.
    child.once('error', reject);
    child.once('close', (code, signal) =>
      reject(new Error(`${command} ended with ${signal ?? `code ${code}`}: ${server.lastLines()}`)),
    );
  });
  return { server, accepts };
}
