import { pbkdf2 } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';

/**
 * All time limits of tests come from here. A limit ends a test that hangs; it says nothing about speed. It is written
 * as a generous value for an idle machine, and grows with the time that this machine needs for a fixed piece of work at
 * the start of the run.
 */

const slownessVariable = 'TEST_SLOWNESS';
/** Duration of the piece of work on two idle cores of the year 2025. */
const referenceMillis = 700;
const rounds = 240_000;
const repetitions = 6;
const deriveKey = promisify(pbkdf2);

/** Measures how many times slower than an idle machine this one is now, with its other programs: 1 or more. */
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

/** Measures the machine and passes the result to all processes of the test run. The global set-up calls it. */
export async function publishSlowness(environment: NodeJS.ProcessEnv = process.env): Promise<number> {
  const slowness = await measureSlowness();
  environment[slownessVariable] = slowness.toFixed(2);
  return slowness;
}

/** The largest factor for durations of the product. */
const mostForSettings = 3;

/** How many times slower than an idle machine this one was when it was last measured. */
export function slownessOf(environment: NodeJS.ProcessEnv = process.env): number {
  return Math.max(1, Number(environment[slownessVariable] ?? 1));
}

/** Measures the machine again, because other programs may have started since the start of the run. Limits only grow. */
export async function measureAgain(environment: NodeJS.ProcessEnv = process.env): Promise<number> {
  const slowness = Math.max(slownessOf(environment), await measureSlowness());
  environment[slownessVariable] = slowness.toFixed(2);
  return slowness;
}

/**
 * Fails if something took longer than it may on this machine. The machine is measured again before that.
 *
 * @param limitMillis for an idle machine; a busy one may take longer in proportion.
 * @param fixedMillis a part that no machine changes, such as a duration of the product.
 */
export async function expectWithin(millis: number, limitMillis: number, fixedMillis = 0): Promise<void> {
  const allowed = () => fixedMillis + scaleLimit(limitMillis);
  if (millis >= allowed()) await measureAgain();
  expect(millis).toBeLessThan(allowed());
}

/** @param millis a generous limit for an idle machine. @returns the limit for this machine, in milliseconds. */
export function scaleLimit(millis: number): number {
  return Math.ceil(millis * slownessOf());
}

/**
 * Settings of the product for this machine. Even a shortened duration must be long enough that the frames of present
 * users arrive in time, and a slow machine needs longer ones.
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
  /** For one event, such as a frame, an answer or a row. */
  get event() {
    return scaleLimit(60_000);
  },
  /**
   * For a test or the set-up of a file. It is longer than the limit of an event, so that a failure names the missing
   * event.
   */
  get test() {
    return scaleLimit(6 * 60_000);
  },
  /** For a test of `npm run test:check` or `npm run test:long`. */
  get longTest() {
    return scaleLimit(30 * 60_000);
  },
};
