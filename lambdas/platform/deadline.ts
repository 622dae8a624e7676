/** Work took longer than its time limit. */
export class DeadlineExceeded extends Error {
  constructor(millis: number) {
    super(`No answer within ${Math.round(millis)} ms`);
    this.name = 'DeadlineExceeded';
  }
}

/**
 * Returns the result of the work, or throws DeadlineExceeded after the time limit. The work continues. Its later result is
 * ignored, unless the caller handles it.
 *
 * After a pause of the process, timers run before it reads the data that arrived meanwhile. Therefore the deadline waits
 * until these data have been read, so that an answer that has arrived counts.
 *
 * @param millis the time limit from now. A negative value is the same as 0.
 * @throws DeadlineExceeded, and the errors of the work.
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
