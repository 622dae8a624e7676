import type { ServerFrame } from '../../protocol/frames.ts';

/** How many examples of one kind of violation are kept. */
const keptExamples = 20;

/** The results of a run: violations of rules, and counts of events. */
export class Findings {
  readonly counts = new Map<string, number>();
  readonly violations = new Map<string, number>();
  readonly examples: { rule: string; at: string; sentence: string }[] = [];
  /** The longest measured time of each kind, in milliseconds. */
  readonly worst = new Map<string, number>();
  /** The present phase, for the examples. */
  phase = 'clear';

  count(what: string, by = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + by);
  }

  longest(what: string, millis: number): void {
    this.worst.set(what, Math.max(this.worst.get(what) ?? 0, Math.round(millis)));
  }

  /** @param rule the id of a rule, or a word for a violation without one. */
  violated(rule: string, sentence: string): void {
    this.violations.set(rule, (this.violations.get(rule) ?? 0) + 1);
    const alike = this.examples.filter((example) => example.rule === rule).length;
    if (alike < keptExamples) {
      this.examples.push({ rule, at: new Date().toISOString(), sentence: `${sentence} (${this.phase})` });
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
