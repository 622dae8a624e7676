/** One figure of a benchmark. */
export interface Measurement {
  what: string;
  value: number;
  unit: string;
  /** The `what` of the figure for comparison. The ratio is this value divided by that one. */
  comparedWith?: string;
}

/** Each file of `bench/cases` exports one of these as `bench`. */
export interface Bench {
  title: string;
  /** Whether the benchmark prints its results itself while it runs. */
  talks?: boolean;
  /** Whether the benchmark takes `--against` itself, and measures both checkouts in the same run. */
  comparesItself?: boolean;
  /** @param arguments_ the arguments after the benchmark's name on the command line. */
  run(arguments_: string[]): Promise<Measurement[]>;
}

/** The median of the values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The duration of the work in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** Formats a number with three significant digits. */
export function readable(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 3 });
}
