import { displayName } from '../../protocol/names.ts';
import type { Queryable } from '../platform/database.ts';
import { guestIdOf, hashInvite, readInvite } from './invites.ts';
import type { InviteKeys } from './join-gate.ts';
import { JoinRefused, refusals } from './refusals.ts';
import { parseSessionReference } from './session-reference.ts';
import { time } from './sql-times.ts';

/** What proves that somebody was a certain guest: the invite, and the secret that the browser kept for it. */
export interface GuestProof {
  invite: string;
  secret: string;
}

/** The user that a guest turned out to be. */
export interface SignedIn {
  guestId: string;
  /** False for a repeated attempt, whose entry is in the audit trail already. */
  isFirst: boolean;
  /** Whether the user got the access of the guest. Otherwise they need access of their own. */
  granted: boolean;
  /** Whether the stay of the guest ended, because the user has or takes a slot of their own. Otherwise the user continues it. */
  stayEnded: boolean;
}

interface ClaimRow {
  outcome: 'unknown' | 'repeated' | 'taken' | 'removed' | 'absent' | 'signed_in';
  sessionId: string | null;
  granted?: boolean;
  stayEnded?: boolean;
}

const claim = `SELECT claim_guest($1, $2, $3, $4, $5, $6, $7, $8, ${time('$9')}) AS result`;

/** Which users the guests of sessions turned out to be (rule SE15). */
export class GuestIdentities {
  readonly #database: Queryable;
  readonly #inviteKeys: InviteKeys;
  readonly #clock: () => number;

  constructor(options: { database: Queryable; inviteKeys: InviteKeys; clock: () => number }) {
    this.#database = options.database;
    this.#inviteKeys = options.inviteKeys;
    this.#clock = options.clock;
  }

  /**
   * Makes a guest a user: from now on both are the same person. It must share a transaction with the join of the user.
   *
   * @returns undefined if no guest with this secret ever joined, so there is nothing to take over.
   * @throws JoinRefused `INVITE_INVALID` for a forged invite, one for another session, a guest who was removed, and a guest who is
   *   another user already.
   */
  async claim(
    reference: string,
    user: { userId: string; username: string; externalId?: string | undefined },
    { invite, secret }: GuestProof,
  ): Promise<SignedIn | undefined> {
    const claims = await readInvite(invite, await this.#inviteKeys());
    const parsed = parseSessionReference(reference);
    if (!claims || !parsed) throw refused('forged', claims?.inviteId);
    const guestId = guestIdOf(secret, claims.inviteId);
    const name = displayName(user.username) || null;
    const { rows } = await this.#database.query<{ result: ClaimRow }>({
      name: 'guest-claim',
      text: claim,
      values: [
        ...[parsed.id ?? null, parsed.name ?? null, guestId, user.userId, name, user.externalId ?? null],
        ...[claims.inviteId, hashInvite(invite), this.#clock()],
      ],
    });
    const { outcome, sessionId, granted = false, stayEnded = false } = rows[0]!.result;
    if (outcome === 'unknown') throw refused('unknown', claims.inviteId, sessionId);
    if (outcome === 'taken') throw refused('signed_in', claims.inviteId, sessionId);
    if (outcome === 'removed') throw refused('removed', claims.inviteId, sessionId);
    if (outcome === 'absent') return undefined;
    return { guestId, isFirst: outcome === 'signed_in', granted, stayEnded };
  }
}

function refused(
  reason: 'forged' | 'unknown' | 'signed_in' | 'removed',
  inviteId: string | undefined,
  sessionId: string | null = null,
): JoinRefused {
  const context = { sessionId: sessionId ?? undefined, inviteId, inviteRefusal: reason };
  return new JoinRefused(refusals.inviteInvalid(reason), context);
}
