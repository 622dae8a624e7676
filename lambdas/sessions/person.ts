import { limits } from '../../protocol/limits.ts';

/** Somebody who can take part in a session. A guest exists inside one session only. */
export type Person =
  | { userId: string; username: string; externalId?: string | undefined; anonymousId?: undefined }
  | { anonymousId: string; name: string; userId?: undefined };

/** The id under which others see the person. */
export function personId(person: Person): string {
  return person.userId ?? person.anonymousId;
}

/** A display name cut to its limit and as PostgreSQL can hold it: no U+0000, no half of a surrogate pair. */
export function storableName(name: string): string {
  return name.slice(0, limits.nameCharacters).toWellFormed().replaceAll('\u0000', '').trim();
}
