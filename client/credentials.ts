import { bearerPrefix, subprotocol } from '../protocol/frames.ts';
import type { Environment } from './environment.ts';
import { RollcallError } from './errors.ts';

export interface CredentialOptions {
  url: string;
  httpUrl?: string | undefined;
  token?: (() => string | null | Promise<string | null>) | undefined;
  invite?: string | undefined;
  guestName?: string | undefined;
}

export interface Credentials {
  /** The address and subprotocols of a handshake; asks `token()` where the known token has less than a minute to live. */
  forHandshake(): Promise<{ url: string; protocols: string[] }>;
  /** Learns the service's clock from its greeting: the time of this machine may be wrong. */
  learnTime(serverTime: number): void;
  /** Milliseconds the token still lives; undefined where that cannot be known. */
  life(): number | undefined;
  /** The person may be another one next time. */
  forget(): void;
  /**
   * After a handshake failed: the failure if these credentials are why, `stale` where a new token may help. A browser does not show the status of a refused
   * handshake, so an HTTP request with the same token asks for it.
   */
  refusal(failure: { status?: unknown }): Promise<RollcallError | 'stale' | undefined>;
}

const guestKey = 'rollcall-guest';
/** A token with less life than this is replaced before a dial. */
export const leastLifeMillis = 60_000;

/** When a JSON Web Token ends, in Unix milliseconds; undefined where it does not say so or is none. */
export function expiryOf(token: string): number | undefined {
  try {
    const claims = JSON.parse(atob(token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/')));
    return claims.exp * 1000 || undefined;
  } catch {
    return undefined;
  }
}

export function createCredentials(options: CredentialOptions, environment: Environment): Credentials {
  const { url, httpUrl, invite, guestName } = options;
  const { now, keep, id, fetch } = environment;
  let token: string | null | undefined;
  let isFresh = false;
  let skew = 0;
  let guest: string | undefined;
  const life = () => {
    const expiry = token && expiryOf(token);
    return expiry ? expiry - now() - skew : undefined;
  };

  async function isUnauthorized(): Promise<boolean> {
    try {
      const base = httpUrl ?? new URL(url.replace(/^ws/, 'http')).origin;
      const headers = { authorization: `Bearer ${token}` };
      return (await fetch!(`${base}/sessions?limit=1`, { headers })).status === 401;
    } catch {
      // No network, or a page that may not ask: nothing is known, and the attempts go on.
      return false;
    }
  }

  return {
    life,
    forget() {
      token = undefined;
    },
    learnTime(serverTime) {
      skew = serverTime - now();
    },
    async forHandshake() {
      if (!options.token && invite) {
        // Kept in the browser, so that a guest who reloads is the same guest.
        guest ??= keep?.getItem(guestKey) ?? id();
        keep?.setItem(guestKey, guest);
        const query = new URLSearchParams({ invite, name: guestName ?? 'Guest', guest });
        return { url: `${url}?${query}`, protocols: [subprotocol] };
      }
      isFresh = !((life() ?? 0) > leastLifeMillis);
      if (isFresh) token = await options.token?.();
      if (!token) throw new RollcallError('UNAUTHENTICATED', 'You are signed out; sign in and connect again.');
      return { url, protocols: [subprotocol, bearerPrefix + token] };
    },
    async refusal({ status }) {
      if (!status && !(token && (await isUnauthorized()))) return undefined;
      token = undefined;
      if (guest)
        return new RollcallError('INVITE_INVALID', 'This invitation is not valid any more; ask for a new one.');
      // A token from before may have been withdrawn.
      if (!isFresh) return 'stale';
      return new RollcallError('UNAUTHENTICATED', 'Rollcall refused this sign-in; sign in again.');
    },
  };
}
