/**
 * The outcome of the work, or the fallback once its time is over. The work itself goes on, and what becomes of it later is
 * ignored.
 */
export async function settledWithin<T, F>(work: Promise<T>, millis: number, fallback: F): Promise<T | F> {
  const late = Promise.withResolvers<F>();
  const timer = setTimeout(() => late.resolve(fallback), millis);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
