const utf8 = new TextEncoder();

/**
 * The first items whose JSON fits into this many bytes. It returns at least one item, so that paging always advances.
 */
export function fitting<T>(items: readonly T[], bytes: number): T[] {
  let size = 0;
  const end = items.findIndex((item, index) => {
    size += utf8.encode(JSON.stringify(item)).length + 1;
    return size > bytes && index > 0;
  });
  return items.slice(0, end < 0 ? undefined : end);
}

/**
 * Splits the items in order into chunks that each fit into this many bytes. Without items, the result is one empty
 * chunk.
 */
export function inGroups<T>(items: readonly T[], bytes: number): T[][] {
  const groups = [fitting(items, bytes)];
  for (let taken = groups[0]!.length; taken < items.length; taken += groups.at(-1)!.length) {
    groups.push(fitting(items.slice(taken), bytes));
  }
  return groups;
}
