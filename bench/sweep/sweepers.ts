import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { cpuSecondsOf } from '../rooms/process-tree.ts';

/** Processes that sweep. */
export class Sweepers {
  readonly #children: ChildProcess[];

  /** @param environment what a function of the stack has. */
  constructor(many: number, environment: Record<string, string>) {
    this.#children = Array.from({ length: many }, () =>
      spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'sweeper.ts')], {
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
  }

  /** CPU seconds that all of them have used so far. */
  async cpuSeconds(): Promise<number> {
    const each = await Promise.all(this.#children.map(({ pid }) => cpuSecondsOf(pid!)));
    return each.reduce((sum, seconds) => sum + seconds, 0);
  }

  /** Ends the first of them as a crash would. */
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
