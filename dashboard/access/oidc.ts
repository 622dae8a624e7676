import type { SignIn } from '../config.ts';

type Settings = Extract<SignIn, { kind: 'oidc' }>;

/** A sign-in with the authorization code flow and PKCE (RFC 7636), which needs no secret in the page. */
export interface Oidc {
  /**
   * The access token, renewed if it expires soon; null if nobody is signed in, or the sign-in has expired.
   *
   * @throws Error with one sentence if the token has expired and the identity provider does not answer.
   */
  token(): Promise<string | null>;
  redirect(): Promise<void>;
  forget(): void;
}

interface Endpoints {
  authorization_endpoint: string;
  token_endpoint: string;
}

interface Tokens {
  access_token: string;
  refresh_token?: string;
  expires_in?: number;
}

/** What the page remembers while the operator is at the identity provider. */
interface Started {
  state: string;
  verifier: string;
  /** The part of the address that names the view. */
  view: string;
}

const startedKey = 'rollcall.dashboard.sign-in';
/** A token that expires within this time, in milliseconds, is renewed. */
const leastLifeMillis = 60_000;

const base64url = (bytes: Uint8Array) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const pageUrl = () => `${location.origin}${location.pathname}`;

async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/**
 * Finishes a sign-in if the identity provider sent the operator back to this page.
 *
 * @throws Error with one sentence if the provider refused.
 */
export async function openOidc({ issuer, clientId, scope }: Settings): Promise<Oidc> {
  let tokens: (Tokens & { expiresAt: number }) | undefined;
  let renewal: Promise<void> | undefined;

  async function reach(path: string, init?: RequestInit): Promise<Response> {
    const reply = await fetch(path, init).catch(() => undefined);
    if (!reply || reply.status === 429 || reply.status >= 500) {
      throw new Error('The identity provider does not answer; try again, or check the issuer in config.json.');
    }
    return reply;
  }

  async function endpoints(): Promise<Endpoints> {
    const reply = await reach(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    if (!reply.ok) throw new Error('The identity provider is not known; check the issuer in config.json.');
    return (await reply.json()) as Endpoints;
  }

  /** A refused request leaves nobody signed in. The answer for somebody who signed out meanwhile is not used. */
  async function ask(parameters: Record<string, string>): Promise<void> {
    const before = tokens;
    const { token_endpoint } = await endpoints();
    const body = new URLSearchParams({ client_id: clientId, ...parameters });
    const reply = await reach(token_endpoint, { method: 'POST', body });
    const got = reply.ok ? ((await reply.json()) as Tokens) : undefined;
    if (tokens !== before) return;
    tokens = got && { ...before, ...got, expiresAt: Date.now() + (got.expires_in ?? 3600) * 1000 };
  }

  const isValid = () => tokens !== undefined && tokens.expiresAt > Date.now();

  async function renew(refresh_token: string): Promise<void> {
    try {
      await ask({ grant_type: 'refresh_token', refresh_token });
    } catch (error) {
      // The next request tries again.
      if (!isValid()) throw error;
    }
  }

  async function finish(): Promise<void> {
    const query = new URLSearchParams(location.search);
    const text = sessionStorage.getItem(startedKey);
    sessionStorage.removeItem(startedKey);
    if (!query.has('state') || text === null) return;
    const { state, verifier, view } = JSON.parse(text) as Started;
    history.replaceState(null, '', `${pageUrl()}${view}`);
    const code = query.get('code');
    if (query.get('state') !== state || code === null) {
      throw new Error('The identity provider refused the sign-in; sign in again, or ask its operator.');
    }
    await ask({ grant_type: 'authorization_code', code, redirect_uri: pageUrl(), code_verifier: verifier });
  }

  await finish();
  return {
    async token() {
      if (tokens && tokens.expiresAt - Date.now() > leastLifeMillis) return tokens.access_token;
      const { refresh_token } = tokens ?? {};
      // Many providers accept a refresh token once, and end the sign-in if it comes again. So all requests wait for one renewal.
      if (refresh_token) {
        renewal ??= renew(refresh_token).finally(() => {
          renewal = undefined;
        });
        await renewal;
      }
      return isValid() ? tokens!.access_token : null;
    },
    async redirect() {
      const { authorization_endpoint } = await endpoints();
      const started: Started = { state: randomText(), verifier: randomText(), view: location.hash };
      sessionStorage.setItem(startedKey, JSON.stringify(started));
      const address = new URL(authorization_endpoint);
      const parameters = {
        ...{ response_type: 'code', client_id: clientId, redirect_uri: pageUrl(), scope, state: started.state },
        ...{ code_challenge: await challengeOf(started.verifier), code_challenge_method: 'S256' },
      };
      for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
      location.assign(address);
    },
    forget() {
      tokens = undefined;
    },
  };
}
