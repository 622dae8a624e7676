import type { SignIn } from '../config.ts';
import { openOidc } from './oidc.ts';

/** How the operator of this page is known to the service. */
export interface Access {
  /** The token; null if the operator has to sign in. @throws Error with one sentence if the identity provider does not answer. */
  token(): Promise<string | null>;
  /** What the page offers to an operator without a token. */
  readonly offers: 'paste' | 'redirect';
  /** Takes a pasted token. */
  paste(token: string): void;
  /** Leaves the page for the sign-in page of the identity provider. @throws Error with one sentence if the provider does not answer. */
  redirect(): Promise<void>;
  /** Forgets the token. */
  forget(): void;
}

const key = 'rollcall.dashboard.token';

/** A token of this tab. It is gone when the tab is closed. */
const kept = {
  get: () => sessionStorage.getItem(key),
  set: (token: string) => sessionStorage.setItem(key, token),
  remove: () => sessionStorage.removeItem(key),
};

/** @throws Error with one sentence if the identity provider refused the sign-in. */
export async function openAccess(signIn: SignIn): Promise<Access> {
  const oidc = signIn.kind === 'oidc' ? await openOidc(signIn) : undefined;
  const developer = signIn.kind === 'local' ? developerTokens() : undefined;
  return {
    offers: oidc ? 'redirect' : 'paste',
    token: async () => kept.get() ?? (await (oidc ?? developer)?.token()) ?? null,
    paste: (token) => kept.set(token.trim()),
    redirect: async () => oidc?.redirect(),
    forget() {
      kept.remove();
      (oidc ?? developer)?.forget();
    },
  };
}

/** A token that expires within this time, in milliseconds, is replaced. */
const leastLifeMillis = 60_000;

/** Tokens of an operator from the local stack, each until it expires. A stack that trusts another identity provider gives none. */
function developerTokens() {
  let known: { token: string; expiresAt: number } | undefined;
  return {
    async token(): Promise<string | undefined> {
      if (known && known.expiresAt - Date.now() > leastLifeMillis) return known.token;
      const query = new URLSearchParams({ user: 'operator', name: 'Operator', admin: '1' });
      const reply = await fetch(`/dev/token?${query}`);
      if (!reply.ok) return undefined;
      const { token, expiresIn } = (await reply.json()) as { token: string; expiresIn: number };
      known = { token, expiresAt: Date.now() + expiresIn * 1000 };
      return token;
    },
    forget() {
      known = undefined;
    },
  };
}
