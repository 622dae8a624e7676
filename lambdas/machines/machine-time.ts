/** A machine's clock is believed for at most this long backwards. */
export const oldestMachineTimeMillis = 10 * 60 * 1000;

/**
 * The moment a machine's sign of life counts for (rule PR15), Unix milliseconds: a time to come becomes now, and one over
 * ten minutes old is no sign of life at all (undefined).
 */
export function clampMachineTime(time: number | undefined, now: number): number | undefined {
  if (time === undefined) return now;
  if (!Number.isFinite(time) || time < now - oldestMachineTimeMillis) return undefined;
  return Math.min(Math.trunc(time), now);
}
