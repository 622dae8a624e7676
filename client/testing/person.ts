import type { AccessClaim } from '../../protocol/access-claim.ts';
import type { Status } from '../../protocol/entities.ts';
import type { WireUser } from '../presence.ts';

/** One socket in the service. */
export interface ServerConnection {
  userId: string;
  username: string;
  /** The access claim of the token that it was opened with. */
  claim?: AccessClaim | undefined;
  /** Present for a guest: the only session that they can use (UUID), and their invite. */
  guest?: { sessionId: string; invite: string } | undefined;
  compact: boolean;
  send(frame: object | string): void;
}

export interface Seat {
  lastSeen: number;
  /** The timeout of the seat, in milliseconds. */
  timeoutMillis: number;
  isHidden: boolean;
  /** When the grace of a broken socket ends; undefined while the socket is open. */
  endsAt?: number;
}

/** A user, or an agent without seats. */
export interface Person {
  user: WireUser;
  chosen: Status | undefined;
  seats: Map<ServerConnection, Seat>;
  lastActive: number;
  /** When the lease of an agent ends; undefined for a user. */
  leaseUntil?: number;
}

/** How long a connection may be silent, in milliseconds. */
export const offlineAfter = 60_000;
export const hiddenTimeoutMillis = 150_000;
const awayAfter = 120_000;
const rank: Status[] = ['online', 'away', 'offline'];
const worse = (one: Status, other: Status) => (rank.indexOf(one) > rank.indexOf(other) ? one : other);

/** The status that others see: the chosen one, or `away` if nobody uses a visible page of the user. */
export function statusOf({ chosen, lastActive, seats, leaseUntil }: Person, now: number): Status {
  if (leaseUntil !== undefined) return chosen ?? 'online';
  const isInUse = [...seats.values()].some(({ isHidden }) => !isHidden);
  const derived = isInUse && now - lastActive < awayAfter ? 'online' : 'away';
  return worse(chosen ?? 'online', derived);
}
