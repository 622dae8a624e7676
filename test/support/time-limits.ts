import { pbkdf2 } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

/**
 * The only place where tests get a time limit from. A limit ends a test that hangs; it is no claim about speed. It is
 * written as what is generous on a quiet machine, and grows with the time that this machine needs for a fixed piece of
 * work when the run starts.
 */

const slownessVariable = 'TEST_SLOWNESS';
/** What the piece of work takes on two quiet cores of the year 2025. */
const referenceMillis = 700;
const rounds = 240_000;
const repetitions = 6;
const deriveKey = promisify(pbkdf2);

/** Measures how many times slower than a quiet machine this one is now, other programs included: 1 or more. */
export async function measureSlowness(): Promise<number> {
  const started = performance.now();
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    const keys = Array.from({ length: 2 * availableParallelism() }, () =>
      deriveKey('work', 'salt', rounds, 32, 'sha256'),
    );
    await Promise.all(keys);
  }
  return Math.max(1, (performance.now() - started) / referenceMillis);
}

/** Measures the machine and lets every process of the test run know; the global set-up calls it. */
export async function publishSlowness(environment: NodeJS.ProcessEnv = process.env): Promise<number> {
  const slowness = await measureSlowness();
  environment[slownessVariable] = slowness.toFixed(2);
  return slowness;
}

/** A machine that is even slower waits no longer for durations of the product. */
const mostForSettings = 3;

/** How many times slower than a quiet machine this one was when the run started. */
export function slownessOf(environment: NodeJS.ProcessEnv = process.env): number {
  return Math.max(1, Number(environment[slownessVariable] ?? 1));
}

/** @param millis what is generous on a quiet machine. @returns the same for this machine, in milliseconds. */
export function scaleLimit(millis: number): number {
  return Math.ceil(millis * slownessOf());
}

/**
 * Settings of the product for this machine. Durations that a test makes short also have to be long enough for people who
 * are there to be heard in time; a slow machine needs longer ones.
 *
 * @param settings names that end in `SECONDS`, `MINUTES` or `HOURS` grow with the machine's slowness, up to three times; others stay.
 */
export function scaleSettings<T extends Record<string, string>>(settings: T): T {
  const scaled = Object.entries(settings).map(([name, value]) => {
    const isDuration = /_(SECONDS|MINUTES|HOURS)$/.test(name);
    return [name, isDuration ? String(Number(value) * Math.min(slownessOf(), mostForSettings)) : value];
  });
  return Object.fromEntries(scaled) as T;
}

/** Limits in milliseconds, for this machine. */
export const timeLimits = {
  /** For one event that a test waits for: a frame, an answer, a row. */
  get event() {
    return scaleLimit(20_000);
  },
  /** For a test, or for what is set up for a file; longer than an event, so that a failure names what did not come. */
  get test() {
    return scaleLimit(120_000);
  },
  /** For a test of `npm run test:long`. */
  get longTest() {
    return scaleLimit(30 * 60_000);
  },
};
