import type { MetricName } from '../../protocol/metrics.ts';

/** What a metric got since the last line: a sum, or single values. */
export type Measured = ReadonlyMap<MetricName, readonly number[]>;

/** The most values of a metric in a line. CloudWatch takes a hundred, and Powertools writes a line of its own at that number. */
const mostValues = 99;
/** An execution environment writes a line at most this often, in milliseconds. */
const lineMillis = 10_000;
/** The same while something fails. */
const failureMillis = 1000;

/**
 * Collects the metrics of an execution environment. A line for each frame would cost a third as much as the frame. So the
 * end of an invocation writes a line if the last one is ten seconds old, and otherwise leaves the values to a later invocation.
 * If none follows, they are lost. A failure is written after at most a second.
 */
export class Meter {
  readonly #write: (measured: Measured) => void;
  readonly #clock: () => number;
  readonly #random: () => number;
  #sums = new Map<MetricName, number>();
  #values = new Map<MetricName, number[]>();
  /** How many values each metric got, those that were not kept included. */
  #noted = new Map<MetricName, number>();
  #writtenAt = Number.NEGATIVE_INFINITY;
  #hasFailure = false;

  /**
   * @param write writes a line.
   * @param clock Unix milliseconds.
   * @param random from 0 to less than 1.
   */
  constructor(write: (measured: Measured) => void, clock: () => number = Date.now, random: () => number = Math.random) {
    this.#write = write;
    this.#clock = clock;
    this.#random = random;
  }

  /** Adds to a metric whose values are summed up. */
  add(name: MetricName, amount = 1): void {
    this.#sums.set(name, (this.#sums.get(name) ?? 0) + amount);
  }

  /** Notes one value of a metric. Of more than 99 in a line, a random 99 are kept, so that their average is right. */
  note(name: MetricName, value: number): void {
    const values = this.#values.get(name) ?? [];
    const noted = (this.#noted.get(name) ?? 0) + 1;
    const place = noted <= mostValues ? values.length : Math.floor(this.#random() * noted);
    if (place < mostValues) values[place] = value;
    this.#values.set(name, values);
    this.#noted.set(name, noted);
  }

  /** The same as `add` for what an alarm waits for. */
  fail(name: MetricName): void {
    this.add(name);
    this.#hasFailure = true;
  }

  /** Notes how a request ended. The average of `errorRate` is the share of requests that the service could not serve. */
  request(isFailed: boolean): void {
    this.note('errorRate', isFailed ? 100 : 0);
    if (isFailed) this.#hasFailure = true;
  }

  /** Called at the end of each invocation: writes a line if it is time for one. */
  flush(): void {
    const age = this.#clock() - this.#writtenAt;
    if (age >= (this.#hasFailure ? failureMillis : lineMillis)) this.writeAll();
  }

  /** Writes a line with everything that was measured, if anything was. */
  writeAll(): void {
    const measured = new Map<MetricName, readonly number[]>(this.#values);
    for (const [name, sum] of this.#sums) measured.set(name, [sum]);
    if (measured.size === 0) return;
    this.#sums = new Map();
    this.#values = new Map();
    this.#noted = new Map();
    this.#hasFailure = false;
    this.#writtenAt = this.#clock();
    this.#write(measured);
  }
}
