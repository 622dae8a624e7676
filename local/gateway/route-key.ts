/**
 * The route key that a message selects by a field of its JSON. AWS turns numbers and booleans into text. A message that is no
 * JSON, has no such field, or names a route that only the gateway calls, selects `$default`.
 */
export function routeKeyOf(body: string, field: string): string {
  try {
    const value = (JSON.parse(body) as Record<string, unknown> | null)?.[field];
    const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
    const key = isPlain ? String(value) : '';
    return key !== '' && !key.startsWith('$') ? key : '$default';
  } catch {
    return '$default';
  }
}
