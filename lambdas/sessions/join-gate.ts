import type { AccessClaim } from '../../protocol/access-claim.ts';
import type { Role, Session, SessionParticipant } from '../../protocol/entities.ts';
import type { RollcallError } from '../../protocol/errors.ts';
import { displayName } from '../../protocol/names.ts';
import { hashInvite, type InviteClaims, readInvite } from './invites.ts';
import type { Person } from './person.ts';
import { type InviteRefusal, JoinRefused, refusals } from './refusals.ts';
import { checkUuid } from './session-input.ts';
import { parseSessionReference, type SessionReference } from './session-reference.ts';
import type { JoinOutcome, JoinRequest, SessionRepository } from './session-repository.ts';

/** The secrets that sign invites, newest first. They are read only if there is an invite. */
export type InviteKeys = () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;

export interface JoinResult {
  session: Session;
  role: Role;
  participant: SessionParticipant;
  /** Whether this join took the slot: it is a first join or a return, not a second tab. */
  activated: boolean;
  /** Whether the session's liveness (`active`) came back with this join. */
  revived: boolean;
  /** The invite that let the person in or raised their role; null if they needed none. */
  inviteId: string | null;
  /** Why the invite was not used, if the person needed none. */
  inviteRefusal: InviteRefusal | null;
  /** The guest who the person was here before they signed in (rule SE15). */
  guestId?: string | undefined;
}

interface Newcomer {
  userId: string | null;
  anonymousId: string | null;
  name: string | null;
  externalId: string | null;
}

/** What a refusal depends on besides the state of the session. */
interface Visit {
  isGuest: boolean;
  claims: InviteClaims | undefined;
  /** UUID of the session that was asked for; undefined if no session has that name, or there is no invite to compare. */
  meant: string | undefined;
}

/** Decides on a join: reads the invite, asks the database once, and explains a refusal. */
export class JoinGate {
  readonly #repository: SessionRepository;
  readonly #inviteKeys: InviteKeys;
  readonly #sessionTimeoutMillis: number;

  constructor(repository: SessionRepository, inviteKeys: InviteKeys, sessionTimeoutMillis: number) {
    this.#repository = repository;
    this.#inviteKeys = inviteKeys;
    this.#sessionTimeoutMillis = sessionTimeoutMillis;
  }

  async join(reference: string, person: Person, token: string | undefined, now: number): Promise<JoinResult> {
    // With an access claim only the claim counts (rule SE12): an invite is not used.
    if (person.userId !== undefined && person.claim) return this.#joinByClaim(reference, person, person.claim, now);
    const claims = token === undefined ? undefined : await readInvite(token, await this.#inviteKeys());
    const invite = token !== undefined && claims ? { id: claims.inviteId, hash: hashInvite(token) } : null;
    const outcome = await this.#ask(reference, newcomer(person), { invite, grant: null, claim: null, now });
    if (outcome.outcome === 'joined') {
      const forged = token !== undefined && !claims ? 'forged' : null;
      return toResult({ ...outcome, inviteRefusal: outcome.inviteRefusal ?? forged });
    }
    const meant = claims && (await this.#meantSession(reference, outcome));
    throw this.#refused(outcome, { meant, isGuest: person.userId === undefined, token, claims });
  }

  async grant(
    reference: string,
    user: Person | { userId: string; username?: string; externalId?: string | undefined },
    grant: { role: Role | null },
    now: number,
  ): Promise<JoinResult> {
    const outcome = await this.#ask(reference, newcomer(user), { invite: null, grant, claim: null, now });
    if (outcome.outcome === 'joined') return toResult(outcome);
    throw this.#refused(outcome, withoutInvite);
  }

  async #joinByClaim(reference: string, person: Person, claim: AccessClaim, now: number): Promise<JoinResult> {
    const outcome = await this.#ask(reference, newcomer(person), { invite: null, grant: null, claim, now });
    if (outcome.outcome === 'joined') return toResult(outcome);
    throw this.#refused(outcome, withoutInvite);
  }

  /** The UUID of the session to join, also of one that was purged. */
  async #meantSession(reference: string, { sessionId }: { sessionId?: string }): Promise<string | undefined> {
    const parsed = parseSessionReference(reference);
    if (sessionId !== undefined || parsed?.id !== undefined) return sessionId ?? parsed?.id;
    return parsed && (await this.#repository.findOwner(parsed))?.id;
  }

  async #ask(
    reference: string,
    person: Newcomer,
    request: Pick<JoinRequest, 'invite' | 'grant' | 'claim' | 'now'>,
  ): Promise<JoinOutcome> {
    const parsed: SessionReference | undefined = parseSessionReference(reference);
    if (!parsed) return { outcome: 'not_found' };
    const sessionTimeoutMillis = this.#sessionTimeoutMillis;
    return this.#repository.join({ reference: parsed, ...person, ...request, sessionTimeoutMillis });
  }

  #refused(
    outcome: Exclude<JoinOutcome, { outcome: 'joined' }>,
    visit: Visit & { token: string | undefined },
  ): JoinRefused {
    const { token, claims } = visit;
    // An invite for a session that does not exist gets the same answer as an invite for another session (rule SE13).
    const unknown = outcome.outcome === 'not_found' && token !== undefined ? ('unknown' as const) : undefined;
    const strange = token !== undefined && !claims ? ('forged' as const) : unknown;
    const sessionOver = outcome.outcome === 'expired' && claims?.sessionId === outcome.sessionId;
    const inviteRefusal = sessionOver ? 'expired' : (outcome.inviteRefusal ?? strange);
    return new JoinRefused(this.#reason(outcome, { ...visit, inviteRefusal }), {
      sessionId: outcome.sessionId,
      inviteId: claims?.inviteId,
      inviteRefusal,
    });
  }

  #reason(
    outcome: Exclude<JoinOutcome, { outcome: 'joined' }>,
    visit: Visit & { inviteRefusal: InviteRefusal | undefined },
  ): RollcallError {
    const { claims, inviteRefusal, meant } = visit;
    if (visit.isGuest && claims && claims.sessionId !== meant) return refusals.guestElsewhere();
    // An invite for a purged session is still for that session. So the answer is that the invite has expired, not that it is
    // for another session.
    const isMeant = claims !== undefined && claims.sessionId === meant;
    if (isMeant && /^(expired|not_found)$/.test(outcome.outcome)) {
      return refusals.inviteExpired(this.#sessionTimeoutMillis);
    }
    if (outcome.outcome === 'expired') return refusals.expired(this.#sessionTimeoutMillis);
    if (outcome.outcome === 'ended') return refusals.ended();
    if (outcome.outcome === 'full') return refusals.full(outcome.maxParticipants!);
    if (inviteRefusal === 'expired') return refusals.inviteExpired(this.#sessionTimeoutMillis);
    if (inviteRefusal) return refusals.inviteInvalid(inviteRefusal);
    return outcome.removed ? refusals.removed() : refusals.notFound();
  }
}

const withoutInvite = { meant: undefined, isGuest: false, token: undefined, claims: undefined };

function newcomer(
  person: Person | { userId: string; username?: string; externalId?: string | undefined; anonymousId?: undefined },
): Newcomer {
  const name = (person.userId === undefined ? person.name : person.username) ?? '';
  return {
    userId: person.userId === undefined ? null : checkUuid('userId', person.userId),
    anonymousId: person.userId === undefined ? checkUuid('anonymousId', person.anonymousId) : null,
    name: displayName(name) || null,
    externalId: person.userId === undefined ? null : (person.externalId ?? null),
  };
}

function toResult(outcome: Extract<JoinOutcome, { outcome: 'joined' }>): JoinResult {
  const { inviteUsed: inviteId, ...joined } = outcome;
  const { session, participant, activated, revived, inviteRefusal, guestId } = joined;
  return { session, role: participant.role, participant, activated, revived, inviteId, inviteRefusal, guestId };
}
