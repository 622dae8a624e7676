import { type ChildProcess, spawn } from 'node:child_process';

export interface BoundProcessOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  /** The signal for the program when this process has ended. SIGKILL goes to its whole process group. */
  endSignal: 'SIGINT' | 'SIGTERM' | 'SIGKILL';
}

/**
 * A shell that starts a watcher and then becomes the program by `exec` (same process id). The watcher reads a pipe that
 * only the parent process holds open, so the pipe closes when the parent ends for any reason, also by SIGKILL. Then the
 * watcher ends the program, and kills its process group after ten seconds. The group exists as long as the watcher, so
 * its number cannot be reused meanwhile. The watcher is a grandchild of the program (double fork), because a server
 * such as PostgreSQL treats an unknown child as a fault.
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
 * Starts a program that ends when this process ends for any reason. It has its own process group, so Ctrl-C in the
 * terminal does not end it; this process decides when it ends.
 *
 * @returns the child process. Its output and error streams are pipes, and its standard input is empty.
 */
export function spawnBound(command: string, arguments_: string[], options: BoundProcessOptions): ChildProcess {
  const { cwd, env, endSignal } = options;
  const child = spawn('/bin/sh', ['-c', script, 'sh', endSignal.slice('SIG'.length), command, ...arguments_], {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  // Closing the pipe ends the watcher.
  child.once('exit', () => child.stdin?.destroy());
  return child;
}

/** Kills the process group of a process of `spawnBound`. If the group has ended, it does nothing. */
export function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
