/** The network path between a socket and the gateway. Data on a blocked path arrives later, as with TCP. */
export class Path {
  /** Whether the path still exists; an ended path never returns. */
  isAlive = true;
  #isBlocked = false;
  readonly #held: (() => void)[] = [];

  /** Carries data at once, or when the path is not blocked any more. Data on an ended path is lost. */
  carry(deliver: () => void): void {
    if (!this.isAlive) return;
    if (this.#isBlocked) this.#held.push(deliver);
    else deliver();
  }

  block(): void {
    this.#isBlocked = true;
  }

  unblock(): void {
    this.#isBlocked = false;
    for (const deliver of this.#held.splice(0)) this.carry(deliver);
  }

  /** Ends the path, as after a router dropped the connection. Neither side is informed. */
  end(): void {
    this.isAlive = false;
    this.#held.length = 0;
  }
}
