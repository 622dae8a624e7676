/** The headers that name the next page: `x-next`, and `link` with the whole path. None on the last page. */
export function nextHeaders(
  path: string,
  query: Record<string, string | undefined>,
  next: string | undefined,
): Record<string, string> {
  if (next === undefined) return {};
  const given = Object.entries({ ...query, before: next }).filter((entry): entry is [string, string] =>
    Boolean(entry[1]),
  );
  return { 'x-next': next, link: `<${path}?${new URLSearchParams(given)}>; rel="next"` };
}
