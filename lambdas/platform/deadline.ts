/** Work did not settle in the time it had. */
export class DeadlineExceeded extends Error {
  constructor(millis: number) {
    super(`No answer within ${Math.round(millis)} ms`);
    this.name = 'DeadlineExceeded';
  }
}

/**
 * The outcome of the work, or DeadlineExceeded once its time is over. The work itself goes on; what becomes of it later is
 * ignored, unless the caller follows it.
 *
 * A process that stood still finds its timers due before it reads what came meanwhile. That is read first, so an answer
 * that is there counts.
 *
 * @param millis from now; no time at all where it is negative.
 * @throws DeadlineExceeded, and what the work throws.
 */
export async function withDeadline<T>(work: Promise<T>, millis: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const expire = () => late.reject(new DeadlineExceeded(millis));
  const timer = setTimeout(() => setImmediate(expire), Math.max(0, millis));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
