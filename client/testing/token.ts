import { type AccessClaim, defaultAccessClaim } from '../../protocol/access-claim.ts';

/** `btoa` takes only Latin characters. */
const ascii = (json: string) =>
  json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const encode = (value: object) =>
  btoa(ascii(JSON.stringify(value)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');

/** The claims of a token of the in-memory service; `exp` is in Unix seconds. */
export interface Claims {
  sub: string;
  name: string;
  exp: number;
  /** The access claim: the keys that the holder may use, each with a role. */
  [defaultAccessClaim]?: { sessions: AccessClaim } | undefined;
}

/** A JSON Web Token without a signature; only the in-memory service accepts it. */
export function tokenFor(claims: Claims): string {
  return `${encode({ alg: 'none' })}.${encode(claims)}.`;
}

/** @returns the claims, or undefined if `tokenFor` did not make the token. */
export function claimsOf(token: string): Claims | undefined {
  try {
    const claims = JSON.parse(atob(token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/')));
    return typeof claims.sub === 'string' && typeof claims.exp === 'number' ? claims : undefined;
  } catch {
    return undefined;
  }
}
