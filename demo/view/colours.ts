/** Dark enough for white text (contrast of at least 4.5) and far from one another, also for most colour-blind people. */
const palette = ['#1d5fd1', '#b3261e', '#0b7a4b', '#8a3ffc', '#a35200', '#0a7285', '#c2185b', '#4f5b0f', '#5d4037'];

/** Gives each person a colour for as long as the page knows them; a freed one is not handed out while others are left. */
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
