import type { ActivityItem } from '../../protocol/entities.ts';

/** Exports are in one order: by time, then by id. */
function compare(one: ActivityItem, other: ActivityItem): number {
  return one.createdAt - other.createdAt || (one.id < other.id ? -1 : Number(one.id > other.id));
}

/** The entries that are not in the order of time: all but those of the longest series that is in order. */
export function movedAmong(items: readonly ActivityItem[]): Set<ActivityItem> {
  const up = longestRising(items);
  const down = longestRising(items.toReversed());
  const kept = new Set(up.length >= down.length ? up : down);
  return new Set(items.filter((item) => !kept.has(item)));
}

/** The longest series of entries in which each is later than the one before; other entries may be between them. */
function longestRising(items: readonly ActivityItem[]): ActivityItem[] {
  /** For each length, the entry that ends a series of this length earliest. */
  const ends: number[] = [];
  const before: (number | undefined)[] = [];
  for (const [index, item] of items.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(items[ends[middle]!]!, item) <= 0) low = middle + 1;
      else high = middle;
    }
    before[index] = low > 0 ? ends[low - 1] : undefined;
    ends[low] = index;
  }
  const series: ActivityItem[] = [];
  for (let index = ends.at(-1); index !== undefined; index = before[index]) series.push(items[index]!);
  return series.reverse();
}
