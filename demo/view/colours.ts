/** Dark enough for white text (contrast at least 4.5), and easy to distinguish, also for most colour-blind people. */
const palette = ['#1d5fd1', '#b3261e', '#0b7a4b', '#8a3ffc', '#a35200', '#0a7285', '#c2185b', '#4f5b0f', '#5d4037'];

/** Assigns each user a colour as long as the page knows them. A freed colour is reused only when no other is left. */
export class Colours {
  readonly #given = new Map<string, string>();

  of(userId: string): string {
    const known = this.#given.get(userId);
    if (known) return known;
    const used = new Set(this.#given.values());
    const colour = palette.find((each) => !used.has(each)) ?? palette[this.#given.size % palette.length]!;
    this.#given.set(userId, colour);
    return colour;
  }
}
