/** The user of this tab. */
export interface Person {
  /** The `sub` of the token. */
  user: string;
  name: string;
}

const key = 'rollcall.person';

/** Returns the user of this tab. Each tab has its own, so that one browser can show two users. */
export function rememberedPerson(storage: Storage): Person | undefined {
  const stored = storage.getItem(key);
  return stored === null ? undefined : (JSON.parse(stored) as Person);
}

/** Signs in with a name. If the name changes, the tab keeps its user id. */
export function signIn(storage: Storage, name: string): Person {
  const person = { user: rememberedPerson(storage)?.user ?? `demo-${crypto.randomUUID()}`, name: name.trim() };
  storage.setItem(key, JSON.stringify(person));
  return person;
}

export function signOut(storage: Storage): void {
  storage.removeItem(key);
}
