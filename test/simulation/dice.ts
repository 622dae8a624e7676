import { SeededRandom } from '../support/seeded-random.ts';

/** The random numbers of a simulated world. */
export class Dice extends SeededRandom {
  constructor(seed: number) {
    // Seeds follow each other; mixed like this they give worlds that differ from the first number on.
    super(seed ^ 0x9e3779b9);
  }

  /** One of the items, of which there is at least one. */
  override pick<T>(items: readonly T[]): T {
    return super.pick(items)!;
  }
}
