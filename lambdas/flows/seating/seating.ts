import type { LeaveCause, Role, Session } from '../../../protocol/entities.ts';
import type { Timings } from '../../../protocol/timings.ts';
import type { Membership } from '../../connections/connection-registry.ts';
import type { Turn } from '../../platform/turn.ts';
import type { EndOutcome, EnterOutcome, PresenceOutcome } from '../../presence/outcome.ts';
import type { OwnState } from '../../presence/person-data.ts';
import type { Services } from '../../services/services.ts';
import type { Caller } from '../callers/caller.ts';

/** The slot of a user, and what is known of the user. */
export interface Seating {
  session: Pick<Session, 'id' | 'sessionId'> & Partial<Pick<Session, 'metadata'>>;
  role: Role;
  /** Whether this join took the slot. False if the user held it before. */
  activated: boolean;
  /** Whether PostgreSQL is away, so that nobody could ask for the slot. */
  unasked?: boolean;
  /** Whether the audit trail has this arrival already. */
  isWritten?: boolean | undefined;
  /** Whether the user had chosen to be invisible when they were present last. */
  invisible?: boolean | undefined;
  /** The state that the join sets for the user. */
  ownState?: OwnState | undefined;
  /** The data that the user had set when they were present last, as JSON. */
  kept?: string | undefined;
  /** The id that the user had as a guest (rule SE15). */
  guestId?: string | undefined;
}

/** The position of a join among the joins and leaves of its connection (rule PR18). */
export interface SeatingTurn {
  /** The turn of the frame that joins. */
  turn?: Turn;
  /** For a connection that returns: its membership. */
  known?: Membership;
}

/** The snapshot that answers a join, and the role of the user. */
export type Seated = Pick<EnterOutcome, 'epoch' | 'seq' | 'users'> & { role: Role };

/** The state of a running join, which its steps share. */
export class Join {
  readonly services: Services;
  readonly caller: Caller;
  readonly takeSlot: () => Promise<Seating>;
  readonly seatingTurn: SeatingTurn;
  /** Whether a store may hold something of this join. Only then is a failure undone. */
  hasWritten = false;
  /** Set by the step `slot`. */
  seating!: Seating;
  membership!: Membership;
  /** Whether this is the first join of the connection to the session. */
  isFirst = true;
  /** The data that the connection table has of the user, as JSON. Redis takes it over if it does not know the user. */
  kept: string | undefined;
  /** Whether the connection receives cursors in the compact form. */
  compact = false;
  /** When the connection took its seat, Unix milliseconds. */
  seenAt = 0;
  /** What Redis answered to the seat. Undefined while Redis is away. */
  outcome: EnterOutcome | undefined;
  /** Whether the slot was given back since the join took it. */
  lacksSlot = false;
  /** Changes of the role that Redis got after the seat. */
  readonly corrections: PresenceOutcome[] = [];
  /** Why the stay ended while the user joined. */
  endCause: LeaveCause | undefined;
  /** Whether the slot was taken a second time. */
  hasRetakenSlot = false;
  /** Set by the step `answer`. */
  seated!: Seated;
  /** What the end of the seat changed, when the join is undone. Undefined if Redis does not tell. */
  ended: EndOutcome | undefined;

  constructor(services: Services, caller: Caller, takeSlot: () => Promise<Seating>, seatingTurn: SeatingTurn) {
    this.services = services;
    this.caller = caller;
    this.takeSlot = takeSlot;
    this.seatingTurn = seatingTurn;
  }
}

/** A user who joins and then does nothing is away, or times out, after this time. */
export const firstVisitMillis = ({ awayAfterMillis, offlineAfterMillis }: Timings) =>
  Math.min(awayAfterMillis, offlineAfterMillis);
