import { type ChildProcess, spawn } from 'node:child_process';

export interface BoundProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** What the program gets when this process has ended; with SIGKILL its own children get it, too. */
  endSignal: 'SIGINT' | 'SIGTERM' | 'SIGKILL';
}

/**
 * A shell that becomes the program (same process id) and leaves a watcher behind. The watcher reads a pipe that only the
 * starter holds open: the pipe ends when the starter ends, in whatever way, also by SIGKILL. Then the watcher ends the
 * program, and after ten seconds kills its process group. The group exists as long as the watcher does, so its number
 * cannot belong to another process meanwhile. The watcher is started twice removed, because a server such as PostgreSQL
 * takes an unknown child of its own for a fault.
 */
const script = `
signal=$1
shift
exec 3<&0 </dev/null
(
  (
    trap "" HUP INT TERM
    read -r nothing <&3
    if [ "$signal" != KILL ]; then
      kill -s "$signal" "$$" || exit 0
      left=100
      while [ "$left" -gt 0 ] && kill -s 0 "$$"; do
        left=$((left - 1))
        sleep 0.1
      done
    fi
    kill -s KILL -- "-$$"
  ) >/dev/null 2>&1 &
)
exec 3<&-
exec "$@"
`;

/**
 * Starts a program that ends when this process ends, in whatever way. It leads a process group of its own, so a Ctrl-C in
 * the terminal does not reach it: this process decides when it ends.
 *
 * @returns a child with output and errors as pipes; its standard input is empty.
 */
export function spawnBound(command: string, arguments_: string[], options: BoundProcessOptions): ChildProcess {
  const { cwd, env, endSignal } = options;
  const child = spawn('/bin/sh', ['-c', script, 'sh', endSignal.slice('SIG'.length), command, ...arguments_], {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  // The watcher has nothing more to watch.
  child.once('exit', () => child.stdin?.destroy());
  return child;
}

/** Kills a process of `spawnBound` and everything that it started in its group; harmless when it has ended. */
export function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
