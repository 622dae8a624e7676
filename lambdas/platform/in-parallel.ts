/**
 * Runs the work for each item, at most so many at a time, and begins them in the order of the items.
 *
 * @throws what the first failure throws. Nothing begins after it; what had begun before goes on.
 */
export async function inParallel<T>(
  items: readonly T[],
  atMost: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  let failed = false;
  const run = async () => {
    for (const item of left) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atMost, items.length) }, run));
}
