import { type BoundProcessOptions, killGroup, spawnBound } from './bound-process.ts';

export interface ProgramOptions extends Omit<BoundProcessOptions, 'endSignal'> {
  /** Kills the program and what it started when it is aborted. */
  signal?: AbortSignal | undefined;
}

export interface ProgramResult {
  /** Exit code; null when a signal ended the program. */
  code: number | null;
  /** What it wrote to its error stream. */
  complaints: string;
}

/**
 * Runs a program to its end. It ends early with this process, or by the abort signal.
 *
 * @throws the reason of the abort; the system's error when the shell cannot be started.
 */
export async function runProgram(
  command: string,
  arguments_: string[],
  { signal, ...options }: ProgramOptions,
): Promise<ProgramResult> {
  signal?.throwIfAborted();
  const child = spawnBound(command, arguments_, { ...options, endSignal: 'SIGKILL' });
  const kill = () => killGroup(child);
  signal?.addEventListener('abort', kill);
  let complaints = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    signal?.throwIfAborted();
    return { code, complaints };
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}
