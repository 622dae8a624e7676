import { type ChildProcess, spawn } from 'node:child_process';

/** A server process and the last lines it printed, for the sentence that says why it failed. */
export interface ServerChild {
  process: ChildProcess;
  /** Resolves with the exit code or signal once the process has ended. */
  ended: Promise<string>;
  lastLines(): string;
  /** Asks the process to end, and insists after ten seconds. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

const keptCharacters = 4000;
const patienceMillis = 10_000;

/** Starts a server; `ready` looks at each piece of its output and says whether it now accepts connections. */
export async function startServer(
  command: string,
  arguments_: string[],
  ready: (output: string) => boolean,
): Promise<ServerChild> {
  const child = spawn(command, arguments_, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
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
      const insist = setTimeout(() => child.kill('SIGKILL'), patienceMillis);
      await ended;
      clearTimeout(insist);
    },
  };
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-keptCharacters);
      if (ready(output)) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    void ended.then((how) => reject(new Error(`${command} ended with ${how}: ${server.lastLines()}`)));
  });
  return server;
}
