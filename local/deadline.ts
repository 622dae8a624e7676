/**
 * Returns the result of the work, or the fallback after the time limit. The work itself continues and its late result
 * is ignored.
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
