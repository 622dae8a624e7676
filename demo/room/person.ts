/** The user of this tab. */
export interface Person {
  name: string;
  /** The `sub` of the user's token; a guest has none. */
  user?: string;
}

const key = 'rollcall.person';

/** The user of this tab. Each tab has its own user, so that one browser can show several users. */
export function rememberedPerson(): Person | undefined {
  const stored = sessionStorage.getItem(key);
  return stored === null ? undefined : (JSON.parse(stored) as Person);
}

export function rememberPerson(person: Person): Person {
  sessionStorage.setItem(key, JSON.stringify(person));
  return person;
}

/** A user with an account at the local identity provider. */
export function accountOf(name: string): Person {
  return { name, user: `demo-${crypto.randomUUID()}` };
}

/**
 * Whether this tab may be the guest of this browser. The client stores the secret of a guest in the browser, so that a guest
 * who reloads stays the same. Further tabs sign in instead, so that each is another user.
 */
export function mayBeGuest(): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request('rollcall.guest', { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      // The lock is held until the page is closed.
      return lock && new Promise(() => {});
    });
  });
}

/**
 * A token of the local identity provider for a user with an account.
 *
 * @throws Error with the provider's message if it issues none.
 */
export async function fetchToken({ name, user = '' }: Person): Promise<string> {
  const response = await fetch(`/dev/token?${new URLSearchParams({ user, name })}`);
  const body = (await response.json()) as { token?: string; message?: string };
  if (!body.token) throw new Error(body.message ?? 'The identity provider gave no token; reload the page.');
  return body.token;
}
