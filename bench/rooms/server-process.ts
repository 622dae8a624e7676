import { spawn } from 'node:child_process';
import { treeOf } from './process-tree.ts';

/** A server process with its descendants. */
export interface ServerProcess {
  pid: number;
  url: string;
  /** The last lines of its output. */
  lastOutput(): string;
  /** Stops the server and all its descendants. */
  stop(): Promise<void>;
}

export interface ServerCommand {
  arguments_: string[];
  cwd: string;
  environment?: Record<string, string>;
  /** Finds the address in the line that the server prints when it is ready. */
  ready: RegExp;
}

const startMillis = 90_000;
const stopMillis = 15_000;

/** Starts a server with this Node.js. @throws Error with its last output if it ends or is not ready in time. */
export async function startServer({ arguments_, cwd, environment, ready }: ServerCommand): Promise<ServerProcess> {
  const child = spawn(process.execPath, arguments_, { cwd, env: { ...process.env, ...environment } });
  const pid = child.pid!;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    const tree = await treeOf(pid);
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), stopMillis);
    await ended;
    clearTimeout(insist);
    for (const left of tree) endOne(left);
  };
  let output = '';
  const url = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-5000);
      const found = ready.exec(output);
      if (found) resolve(found[1]!);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const fail = (how: string) => reject(new Error(`${arguments_.join(' ')} ${how}:\n${output}`));
    void ended.then(() => fail('ended'));
    setTimeout(() => fail('was not ready in time'), startMillis).unref();
  });
  try {
    return { pid, url: await url, lastOutput: () => output.trim().split('\n').slice(-5).join('\n'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Descendants of the server that are still running. */
function endOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
