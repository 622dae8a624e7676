/**
 * Runs the work for each item, at most `atMost` at the same time, and starts it in the order of the items.
 *
 * @throws the first error. No work starts after it, but work that has started continues.
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
