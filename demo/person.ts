/** Who this tab is. */
export interface Person {
  /** The `sub` of the token. */
  user: string;
  name: string;
}

const key = 'rollcall.person';

/** The person this tab signed in as. Tabs differ, so that one browser can be two people. */
export function rememberedPerson(storage: Storage): Person | undefined {
  const stored = storage.getItem(key);
  return stored === null ? undefined : (JSON.parse(stored) as Person);
}

/** Signs in under a name; the same tab stays the same person when only the name changes. */
export function signIn(storage: Storage, name: string): Person {
  const person = { user: rememberedPerson(storage)?.user ?? `demo-${crypto.randomUUID()}`, name: name.trim() };
  storage.setItem(key, JSON.stringify(person));
  return person;
}

export function signOut(storage: Storage): void {
  storage.removeItem(key);
}
