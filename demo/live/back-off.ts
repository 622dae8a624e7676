/** How long the wait before a new attempt may become, in milliseconds. */
const base = 1000;
const cap = 30_000;

/** After so many failures in a row only the person, the network's return or a visible tab tries again. */
export const maximumAttempts = 10;

/**
 * The wait before an attempt to connect: exponential with full jitter, so that the clients of one outage do not all come
 * back at one moment.
 *
 * @param failures attempts that failed in a row, from 1.
 * @param random from 0 up to, but not including, 1.
 */
export function reconnectDelay(failures: number, random: number): number {
  return Math.floor(random * Math.min(cap, base * 2 ** (failures - 1)));
}
