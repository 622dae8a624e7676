/** The hue of a user in degrees, the same in every browser. */
function hueOf(userId: string): number {
  let hash = 0;
  for (const character of userId) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0;
  // Multiples of the golden angle differ much, even for similar ids.
  return Math.round((hash * 137.508) % 360);
}

/**
 * The same CSS colour for a user in every browser. A guest who signs in keeps theirs. White text on it has a contrast of more than 4.5 to 1.
 *
 * @param opacity from 0 to 1.
 */
export function colourOf(user: { readonly userId: string; readonly guestId?: string }, opacity = 1): string {
  return `oklch(0.5 0.15 ${hueOf(user.guestId ?? user.userId)}${opacity < 1 ? ` / ${opacity}` : ''})`;
}
