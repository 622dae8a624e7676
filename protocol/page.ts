const utf8 = new TextEncoder();

/** The first items whose JSON fits into so many bytes; at least one, or nothing would ever come after it. */
export function fitting<T>(items: readonly T[], bytes: number): T[] {
  let size = 0;
  const end = items.findIndex((item, index) => {
    size += utf8.encode(JSON.stringify(item)).length + 1;
    return size > bytes && index > 0;
  });
  return items.slice(0, end < 0 ? undefined : end);
}

/** The items in their order, in groups that each fit into so many bytes; one group, of nothing, where there are none. */
export function inGroups<T>(items: readonly T[], bytes: number): T[][] {
  const groups = [fitting(items, bytes)];
  for (let taken = groups[0]!.length; taken < items.length; taken += groups.at(-1)!.length) {
    groups.push(fitting(items.slice(taken), bytes));
  }
  return groups;
}
