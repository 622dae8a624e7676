/** One figure of a benchmark. */
export interface Measurement {
  what: string;
  value: number;
  unit: string;
  /** The figure this one is compared with, by its `what`; the ratio says how many times as large this one is. */
  comparedWith?: string;
}

/** A file of `bench/` other than the runner exports one of these as `bench`. */
export interface Bench {
  title: string;
  /** Whether it prints what it measures itself, as it goes. */
  talks?: boolean;
  /** @param arguments_ what follows the benchmark's name on the command line. */
  run(arguments_: string[]): Promise<Measurement[]>;
}

/** The middle of the values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Milliseconds that the work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** A number with three significant digits, as people write it. */
export function readable(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
