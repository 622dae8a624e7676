/** The longest wait before a new attempt, in milliseconds. */
const base = 1000;
const cap = 30_000;

/** After this many failures in a row, the next attempt needs the user, the return of the network or a visible tab. */
export const maximumAttempts = 10;

/**
 * The wait before an attempt to connect: exponential with full jitter, so that after an outage the clients do not all
 * connect at the same time.
 *
 * @param failures attempts that failed in a row, from 1.
 * @param random from 0 up to, but not including, 1.
 */
export function reconnectDelay(failures: number, random: number): number {
  return Math.floor(random * Math.min(cap, base * 2 ** (failures - 1)));
}
