import type { AccessClaim } from '../../protocol/access-claim.ts';

/** A user or a guest. A guest exists inside one session only. */
export type Person =
  | {
      userId: string;
      username: string;
      externalId?: string | undefined;
      /** See `Asker`. */
      claim?: AccessClaim | undefined;
      anonymousId?: undefined;
    }
  | { anonymousId: string; name: string; userId?: undefined };

/** The id under which others see the person. */
export function personId(person: Person): string {
  return person.userId ?? person.anonymousId;
}
