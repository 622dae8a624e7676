import { type BoundProcessOptions, killGroup, spawnBound } from './bound-process.ts';

export interface ProgramOptions extends Omit<BoundProcessOptions, 'endSignal'> {
  /** If it is aborted, the process group of the program is killed. */
  signal?: AbortSignal | undefined;
}

export interface ProgramResult {
  /** Exit code; null when a signal ended the program. */
  code: number | null;
  /** What it wrote to standard error. */
  complaints: string;
}

/**
 * Runs a program until it ends. It is killed if this process ends or the signal is aborted.
 *
 * @throws the reason of the abort, or the system's error if the shell cannot start.
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
