/** One thing that a deployment must do. */
export interface Check {
  name: string;
  /** @returns what was seen, for the report. @throws Skipped if it cannot be seen here; any other error says what is wrong. */
  run(): Promise<string>;
}

/** A check that does not apply to this deployment. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

/** All checks together end within this time. */
const totalMillis = 5 * 60_000;

/** Runs the checks one after the other and writes a line for each. @returns how many failed. */
export async function runChecks(checks: readonly Check[], write: (line: string) => void): Promise<number> {
  const ends = Date.now() + totalMillis;
  const counts = { ok: 0, skipped: 0, failed: 0 };
  for (const { name, run } of checks) {
    const began = Date.now();
    try {
      const seen = await within(run(), ends - began);
      counts.ok += 1;
      write(`ok       ${name}: ${seen} (${Date.now() - began} ms)`);
    } catch (error) {
      const kind = error instanceof Skipped ? 'skipped' : 'failed';
      counts[kind] += 1;
      write(`${kind.padEnd(8)} ${name}: ${(error as Error).message}`);
    }
  }
  write(`${counts.ok} ok, ${counts.skipped} skipped, ${counts.failed} failed`);
  return counts.failed;
}

async function within<T>(work: Promise<T>, millis: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The five minutes are over.')), Math.max(0, millis));
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
