/** Older times of a machine's clock are not a sign of life. */
export const oldestMachineTimeMillis = 10 * 60 * 1000;

/**
 * The time of a machine's sign of life (rule PR15), Unix milliseconds. A time in the future becomes now. A time more than
 * ten minutes ago is no sign of life (undefined).
 */
export function clampMachineTime(time: number | undefined, now: number): number | undefined {
  if (time === undefined) return now;
  if (!Number.isFinite(time) || time < now - oldestMachineTimeMillis) return undefined;
  return Math.min(Math.trunc(time), now);
}
