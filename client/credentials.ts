import { bearerPrefix, subprotocol } from '../protocol/frames.ts';
import type { Environment } from './environment.ts';
import { RollcallError } from './errors.ts';
import { inTime } from './timers.ts';

export interface CredentialOptions {
  url: string;
  httpUrl?: string | undefined;
  token?: (() => string | null | Promise<string | null>) | undefined;
  invite?: string | undefined;
  guestName?: string | undefined;
}

export interface Credentials {
  /** Whether the last handshake was that of a guest. */
  readonly isGuest: boolean;
  /** Whether the next handshake may be that of a guest: not once the client has signed in. */
  mayBeGuest: boolean;
  /**
   * Joins with the proof that this user was a guest in this browser, if the client has an invite and a token. A user who was not that
   * guest joins without the proof.
   */
  prove<R>(join: (proof?: GuestProof) => Promise<R>): Promise<R>;
  /** The address and subprotocols of a handshake; calls `token()` if the known token expires in less than a minute. */
  forHandshake(): Promise<{ url: string; protocols: string[] }>;
  /** Notes the time of the service from `welcome`, because the clock of this machine may be wrong. */
  learnTime(serverTime: number): void;
  /** Milliseconds until the token expires; undefined if unknown. */
  life(): number | undefined;
  /** Deletes the token, because another user may connect next. */
  forget(): void;
  /**
   * Why a handshake failed: an error if the service refused these credentials, `stale` if a new token may help, and undefined for
   * other causes. A browser hides the status of a refused handshake, so an HTTP request with the same token finds it out.
   */
  refusal(failure: { status?: unknown }): Promise<RollcallError | 'stale' | undefined>;
}

/** The invite of a guest, and the secret that makes the guest the same person when they return. */
export interface GuestProof {
  invite: string;
  secret: string;
}

const guestKey = 'rollcall-guest';
/** A token that expires within this time, in milliseconds, is replaced before a handshake. */
export const leastLifeMillis = 60_000;

/** A request over a dead network may fail only after minutes; the attempts to connect do not wait that long. */
const askMillis = 5000;

/** When a JSON Web Token expires, in Unix milliseconds; undefined if the text has no expiry or is no token. */
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
  let isGuest = false;
  const life = () => {
    const expiry = token && expiryOf(token);
    return expiry ? expiry - now() - skew : undefined;
  };

  async function isUnauthorized(): Promise<boolean> {
    try {
      const base = httpUrl ?? new URL(url.replace(/^ws/, 'http')).origin;
      const headers = { authorization: `Bearer ${token}` };
      const asked = fetch!(`${base}/sessions?limit=1`, { headers });
      return (await inTime(environment, askMillis, asked)).status === 401;
    } catch {
      // There is no network, no answer, or CORS forbids the request. The cause stays unknown, and the attempts continue.
      return false;
    }
  }

  const credentials: Credentials = {
    mayBeGuest: true,
    get isGuest() {
      return isGuest;
    },
    async prove(join) {
      const secret = guest ?? keep?.getItem(guestKey);
      if (isGuest || !invite || !secret) return join();
      const joined = await join({ invite, secret }).catch((error) => {
        if (/^INVITE/.test(error.code)) return join();
        throw error;
      });
      // The next person at this browser is another guest.
      guest = undefined;
      keep?.setItem(guestKey, id());
      return joined;
    },
    life,
    forget() {
      token = undefined;
    },
    learnTime(serverTime) {
      skew = serverTime - now();
    },
    async forHandshake() {
      isFresh = !((life() ?? 0) > leastLifeMillis);
      if (isFresh) token = await options.token?.();
      const { mayBeGuest } = credentials;
      if (!token && mayBeGuest && invite) {
        isGuest = true;
        // Stored in the browser, so that the guest keeps their id after a reload.
        guest ??= keep?.getItem(guestKey) ?? id();
        keep?.setItem(guestKey, guest);
        const query = new URLSearchParams({ invite, name: guestName ?? 'Guest', guest });
        return { url: `${url}?${query}`, protocols: [subprotocol] };
      }
      if (!token) throw new RollcallError('UNAUTHENTICATED', 'You are signed out; sign in and connect again.');
      credentials.mayBeGuest = isGuest = false;
      return { url, protocols: [subprotocol, bearerPrefix + token] };
    },
    async refusal({ status }) {
      if (!status && !(token && (await isUnauthorized()))) return undefined;
      token = undefined;
      if (isGuest)
        return new RollcallError('INVITE_INVALID', 'This invitation is not valid any more; ask for a new one.');
      // The identity provider may have revoked the known token.
      if (!isFresh) return 'stale';
      return new RollcallError('UNAUTHENTICATED', 'Rollcall refused this sign-in; sign in again.');
    },
  };
  return credentials;
}
