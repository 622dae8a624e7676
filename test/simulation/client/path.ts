/** The way between a socket and the gateway. What is on it while it is blocked goes on later, as with TCP. */
export class Path {
  /** Whether the gateway and the browser can still hear each other; it never comes back. */
  isAlive = true;
  #isBlocked = false;
  readonly #held: (() => void)[] = [];

  /** Carries something, now or once the way is free again; loses it where the path has ended. */
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

  /** A router forgot the connection, or the machine slept for too long. Neither end is told. */
  end(): void {
    this.isAlive = false;
    this.#held.length = 0;
  }
}
