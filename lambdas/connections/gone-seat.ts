import type { WriteRequest } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { connectionItem, expiry, isMembership, type Membership, type Seat } from './membership.ts';
import { deletion } from './write-items.ts';

/** An item of a connection and a session. `goneUser` is the user of a connection that a post found gone: no frame and no rebuild finds it. */
type Item = Membership & { goneUser?: string };

const isGone = (item: Item) => item.goneUser !== undefined && !isMembership(item);

/** The seats among the items of a connection that was gone. */
export function goneSeats(items: readonly Item[]): Seat[] {
  return items
    .filter(isGone)
    .map(({ connectionId, sessionId, goneUser }) => ({ connectionId, sessionId, userId: goneUser! }));
}

/**
 * The requests that replace each membership among the items of a connection by its seat, and delete the sessions that it left.
 *
 * @param at Unix milliseconds.
 */
export function withoutMembership(items: readonly Item[], at: number): WriteRequest[] {
  return items
    .filter((item) => item.sessionId !== connectionItem && !isGone(item))
    .map((item) => (isMembership(item) ? { PutRequest: { Item: asSeat(item, at) } } : deletion(item)));
}

function asSeat({ connectionId, sessionId, userId }: Membership, at: number) {
  return marshall({ connectionId, sessionId, goneUser: userId, expiresAt: expiry(at) });
}
