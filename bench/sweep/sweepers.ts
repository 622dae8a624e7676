import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { cpuSecondsOf } from '../rooms/process-tree.ts';

/** The processes that run sweeps. */
export class Sweepers {
  readonly #children: ChildProcess[];

  /** @param environment the environment variables of a function of the stack. */
  constructor(many: number, environment: Record<string, string>) {
    this.#children = Array.from({ length: many }, () =>
      spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'sweeper.ts')], {
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
  }

  /** CPU seconds that all processes have used so far. */
  async cpuSeconds(): Promise<number> {
    const each = await Promise.all(this.#children.map(({ pid }) => cpuSecondsOf(pid!)));
    return each.reduce((sum, seconds) => sum + seconds, 0);
  }

  /** Kills the first process, to simulate a crash. */
  killOne(): void {
    this.#children[0]!.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill('SIGKILL');
        await once(child, 'exit');
      }),
    );
  }
}
