/** What a client shows of a user, as far as a check compares it. */
export interface Appearance {
  status?: string | undefined;
  connections?: number | undefined;
  activity?: string | null | undefined;
  position?: number | undefined;
}

/**
 * Compares what a client shows with what is true: the same users, and of each user the fields that the truth names.
 *
 * @returns a sentence for each difference.
 */
export function viewFaults(shown: ReadonlyMap<string, Appearance>, truth: ReadonlyMap<string, Appearance>): string[] {
  const gone = [...shown.keys()]
    .filter((userId) => !truth.has(userId))
    .map((userId) => `${userId} is shown and is gone`);
  const others = [...truth].flatMap(([userId, expected]) => {
    const seen = shown.get(userId);
    if (!seen) return [`${userId} is there and not shown`];
    const fields = (Object.keys(expected) as (keyof Appearance)[]).filter((field) => seen[field] !== expected[field]);
    return fields.map((field) => `${userId} is shown with ${field} ${seen[field]}, not ${expected[field]}`);
  });
  return [...gone, ...others];
}
