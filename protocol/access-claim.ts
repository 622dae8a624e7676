import type { Role } from './entities.ts';

/**
 * The keys that a token lets its holder use, each with a role [SE12]. A name that ends in `*` covers every key that
 * begins with the text before it.
 */
export type AccessClaim = Readonly<Record<string, Role>>;

/** The name of the claim, unless `JWT_ACCESS_CLAIM` names another one. */
export const defaultAccessClaim = 'rollcall';

/**
 * The role that a claim gives in the sessions of a key; undefined if it does not cover the key. The most specific entry
 * decides: the key itself, or else the longest name with `*`.
 */
export function claimedRole(claim: AccessClaim, key: string): Role | undefined {
  if (Object.hasOwn(claim, key)) return claim[key];
  const names = Object.keys(claim).filter((name) => name.endsWith('*') && key.startsWith(name.slice(0, -1)));
  const longest = names.reduce((best, name) => (name.length > best.length ? name : best), '');
  return longest === '' ? undefined : claim[longest];
}
