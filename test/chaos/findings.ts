import type { ServerFrame } from '../../protocol/frames.ts';

/** How many examples of one kind of violation are kept in words. */
const keptExamples = 20;

/** What a run found: violations of rules, and counts of everything that was seen. */
export class Findings {
  readonly counts = new Map<string, number>();
  readonly violations = new Map<string, number>();
  readonly examples: { rule: string; at: string; sentence: string }[] = [];
  /** The longest times of their kinds, in milliseconds. */
  readonly worst = new Map<string, number>();
  /** What the weather is, for the examples. */
  weather = 'clear';

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  longest(what: string, millis: number): void {
    this.worst.set(what, Math.max(this.worst.get(what) ?? 0, Math.round(millis)));
  }

  /** @param rule an id of the rules, or a word for what has none. */
  violated(rule: string, sentence: string): void {
    this.violations.set(rule, (this.violations.get(rule) ?? 0) + 1);
    const alike = this.examples.filter((example) => example.rule === rule).length;
    if (alike < keptExamples) {
      this.examples.push({ rule, at: new Date().toISOString(), sentence: `${sentence} (${this.weather})` });
    }
  }

  frame(frame: Pick<ServerFrame, 'type'> | { type?: undefined }, bytes: number): void {
    this.count(`heard ${frame.type ?? 'of the gateway'}`);
    this.count('bytes heard', bytes);
  }

  get total(): number {
    return [...this.violations.values()].reduce((sum, many) => sum + many, 0);
  }
}
