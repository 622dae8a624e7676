interface Period {
  from: number;
  to: number;
}

/** The periods in which a fault separates a tab from the service. */
export class Disturbances {
  readonly #now: () => number;
  readonly #periods: Period[] = [];
  #active = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether anything disturbs the tab now. */
  get isDisturbed(): boolean {
    return this.#active > 0;
  }

  /** @returns ends the disturbance. */
  disturb(): () => void {
    const period = { from: this.#now(), to: Number.POSITIVE_INFINITY };
    this.#periods.push(period);
    this.#active += 1;
    return () => {
      if (period.to !== Number.POSITIVE_INFINITY) return;
      period.to = this.#now();
      this.#active -= 1;
    };
  }

  /** How long the tab was disturbed since a time, in milliseconds. */
  disturbedMillis(since: number): number {
    const now = this.#now();
    const inside = this.#periods
      .map(({ from, to }) => [Math.max(from, since), Math.min(to, now)] as const)
      .filter(([from, to]) => to > from)
      .sort(([one], [other]) => one - other);
    let total = 0;
    let end = since;
    for (const [from, to] of inside) {
      total += Math.max(0, to - Math.max(from, end));
      end = Math.max(end, to);
    }
    return total;
  }

  /** Whether a disturbance began or ended since a time. */
  changedSince(moment: number): boolean {
    return this.#periods.some(({ from, to }) => from > moment || (to > moment && to !== Number.POSITIVE_INFINITY));
  }
}
