import type { AccessClaim } from '../../protocol/access-claim.ts';
import type { Role, Session, SessionMetadata, SessionParticipant } from '../../protocol/entities.ts';
import type { Queryable } from '../platform/database.ts';
import type { Asker } from './asker.ts';
import type { Expiry } from './expiry.ts';
import { type InviteRefusal, refusals } from './refusals.ts';
import type { SessionReference } from './session-reference.ts';
import {
  millis,
  ownRoleOf,
  type ParticipantRow,
  type RecoveredRow,
  type SessionRow,
  toExpiry,
  toParticipant,
  toSession,
} from './session-rows.ts';
import { sessionSql } from './session-sql.ts';

/** A session and the time of its last activity, from which its expiry is computed. */
export interface StoredSession {
  session: Session;
  lastActivityAt: number;
}

export interface StoredAccess extends StoredSession {
  /** The newest stay of the person; null if they were never a participant. */
  participant: SessionParticipant | null;
  /** The role that the person has without an access claim; null for a stranger and for a removed person. */
  ownRole: Role | null;
  /** Whether a removal ended that stay, or the guest signed in: then it gives no access. */
  removed: boolean;
}

export interface NewSession {
  name: string;
  operationId: string;
  ownerId: string;
  ownerName: string | null;
  ownerExternalId: string | null;
  maxParticipants: number;
  metadata: SessionMetadata;
  now: number;
}

export interface JoinRequest {
  reference: SessionReference;
  userId: string | null;
  anonymousId: string | null;
  name: string | null;
  externalId: string | null;
  invite: { id: string; hash: Buffer } | null;
  /** Set if the owner gives the person a slot: with this role, or with their earlier role if it is null. */
  grant: { role: Role | null } | null;
  /** The access claim of the person's token. If it is set, only the claim counts. */
  claim: AccessClaim | null;
  sessionTimeoutMillis: number;
  now: number;
}

interface RefusedJoin {
  outcome: 'not_found' | 'ended' | 'expired' | 'denied' | 'full';
  sessionId?: string;
  /** Whether the person took part once and was removed. */
  removed?: boolean;
  maxParticipants?: number;
  inviteRefusal?: InviteRefusal | null;
}

interface AcceptedJoin<S, P> {
  outcome: 'joined';
  session: S;
  participant: P;
  /** Whether this join took a slot. */
  activated: boolean;
  /** Whether the session was inactive and is active again because of this join. */
  revived: boolean;
  inviteUsed: string | null;
  inviteRefusal: InviteRefusal | null;
  /** The guest who the person was here before they signed in. */
  guestId?: string | undefined;
}

export type JoinOutcome = RefusedJoin | AcceptedJoin<Session, SessionParticipant>;

/** The owner of a session, also of a purged one, and its operation. */
export interface OwnedSession {
  id: string;
  ownerId: string;
  operationId: string;
}

type JoinRow = { result: RefusedJoin | AcceptedJoin<SessionRow, ParticipantRow>; guest_id: string | null };
type DecidedRow = ParticipantRow & { was_active?: boolean };
type ListedRow = SessionRow & { last_activity: Date };

/** The SQL of sessions and participants. It contains only the rules that need to be atomic. */
export class SessionRepository {
  readonly #database: Queryable;

  constructor(database: Queryable) {
    this.#database = database;
  }

  /** Creates a session, its owner and the owner's slot in one statement. Undefined if the name is taken. */
  async create(input: NewSession): Promise<Session | undefined> {
    const { target = null, objective = null, isPublic = false } = input.metadata;
    const [row] = await this.#rows<SessionRow>('session-create', sessionSql.create, [
      ...[input.ownerId, input.ownerExternalId, input.ownerName, input.now, input.name, input.operationId],
      ...[target, objective, isPublic, input.maxParticipants, JSON.stringify(input.metadata)],
    ]);
    return row && toSession(row);
  }

  async find(reference: SessionReference): Promise<StoredSession | undefined> {
    const [row] = await this.#rows<SessionRow & { last_activity: Date }>('session-find', sessionSql.find, [
      reference.id ?? null,
      reference.name ?? null,
    ]);
    return row && { session: toSession(row), lastActivityAt: millis(row.last_activity) };
  }

  /** A session and the access of one person to it, in one round trip. */
  async findAccess(reference: SessionReference, personId: string): Promise<StoredAccess | undefined> {
    const [row] = await this.#rows<{
      session: SessionRow;
      last_activity: Date;
      participant: ParticipantRow | null;
      removed: boolean;
    }>('session-access', sessionSql.access, [reference.id ?? null, reference.name ?? null, personId]);
    return (
      row && {
        session: toSession(row.session),
        lastActivityAt: millis(row.last_activity),
        participant: row.participant && toParticipant(row.participant),
        ownRole: row.participant && !row.removed ? ownRoleOf(row.participant) : null,
        removed: row.removed,
      }
    );
  }

  /** Whether the role of a person's newest stay in a session (UUID) comes from an access claim. */
  async isClaimed(sessionId: string, personId: string): Promise<boolean> {
    const [stay] = await this.#rows<ParticipantRow>('participant-stay', sessionSql.newestStay, [sessionId, personId]);
    return stay?.by_claim ?? false;
  }

  /**
   * Gives a person a slot, or returns the reason of the refusal. One atomic statement, so concurrent joins are safe (see
   * `join_session`).
   */
  async join(request: JoinRequest): Promise<JoinOutcome> {
    const [row] = await this.#rows<JoinRow>('session-join', sessionSql.join, [
      ...[request.reference.id ?? null, request.reference.name ?? null],
      ...[request.userId, request.anonymousId, request.name, request.externalId],
      ...[request.invite?.id ?? null, request.invite?.hash ?? null],
      ...[request.grant !== null, request.grant?.role ?? null],
      ...[request.sessionTimeoutMillis, request.now, request.claim && JSON.stringify(request.claim)],
    ]);
    const { result, guest_id: guestId } = row!;
    if (result.outcome !== 'joined') return result;
    const participant = toParticipant(result.participant);
    return { ...result, session: toSession(result.session), participant, guestId: guestId ?? undefined };
  }

  /** Gives the slot of a person back. Undefined if they held none. */
  async leave(
    sessionId: string,
    personId: string,
    cause: string,
    now: number,
    joinedUntil: number | null,
  ): Promise<SessionParticipant | undefined> {
    const values = [sessionId, personId, cause, now, joinedUntil];
    return this.#participant('participant-leave', sessionSql.leave, values);
  }

  /**
   * Takes the slot and the access of a person away; of a user, if the person was a guest before. Undefined if they had neither.
   * `wasActive` says whether they held a slot.
   */
  async remove(
    sessionId: string,
    personId: string,
    now: number,
  ): Promise<{ participant: SessionParticipant; wasActive: boolean } | undefined> {
    const row = await this.#decided('participant-remove', sessionSql.remove, [sessionId, personId, now]);
    return row && { participant: toParticipant(row), wasActive: row.was_active === true };
  }

  /** Changes a role. Undefined for a person without access to the session, or whose role comes from an access claim. */
  async setRole(sessionId: string, personId: string, role: Role, now: number): Promise<SessionParticipant | undefined> {
    const row = await this.#decided('participant-role', sessionSql.setRole, [sessionId, personId, role, now]);
    return row && toParticipant(row);
  }

  /** The participants who hold a slot, the first to join first; with `includeLeft` also those who held one, newest first. */
  async participants(sessionId: string, includeLeft: boolean, limit: number): Promise<SessionParticipant[]> {
    const rows = includeLeft
      ? await this.#rows<ParticipantRow>('participants-all', sessionSql.everParticipants, [sessionId, limit])
      : await this.#rows<ParticipantRow>('participants-active', sessionSql.activeParticipants, [sessionId, limit]);
    return rows.map(toParticipant);
  }

  /** Ends an active session that has not expired, and all its slots. Undefined for any other session. */
  async end(
    sessionId: string,
    status: 'completed' | 'failed',
    sessionTimeoutMillis: number,
    now: number,
  ): Promise<Session | undefined> {
    const values = [sessionId, status, sessionTimeoutMillis, now];
    const [row] = await this.#rows<SessionRow>('session-end', sessionSql.end, values);
    return row && toSession(row);
  }

  /**
   * Recovers an expired session. Undefined if it is not expired or its retention is over. `unannounced` is the expiry if no
   * sweep has announced it.
   *
   * @throws RollcallError `SESSION_INACTIVE` if its key was opened at the same moment. A transaction can run nothing after that.
   */
  async recover(
    { id, key }: Pick<Session, 'id' | 'key'>,
    times: { sessionTimeoutMillis: number; sessionRetentionMillis: number; now: number },
  ): Promise<{ session: Session; unannounced: Expiry | undefined } | undefined> {
    const values = [id, times.sessionTimeoutMillis, times.sessionRetentionMillis, times.now];
    const recovering = this.#rows<RecoveredRow>('session-recover', sessionSql.recover, values);
    const [row] = await recovering.catch((error: unknown) => {
      throw isKeyTaken(error) ? refusals.recoveryOver(key) : error;
    });
    return row && { session: toSession(row), unannounced: row.unannounced ? toExpiry(row) : undefined };
  }

  /**
   * Sessions that the user owns or has access to, newest first, from the one after `before`. With an access claim, all
   * sessions that it covers.
   */
  async listOf(
    { userId, claim }: Asker,
    limit: number,
    before: { startTime: number; id: string } | undefined,
  ): Promise<StoredSession[]> {
    const page = [limit, before?.startTime ?? null, before?.id ?? null];
    const rows = claim
      ? await this.#listClaimed(claim, page)
      : await this.#rows<ListedRow>('sessions-of', sessionSql.listOf, [userId, ...page]);
    return rows.map((row) => ({ session: toSession(row), lastActivityAt: millis(row.last_activity) }));
  }

  #listClaimed(claim: AccessClaim, page: unknown[]): Promise<ListedRow[]> {
    if (Object.hasOwn(claim, '*')) return this.#rows('sessions-all', sessionSql.listAll, page);
    const names = Object.keys(claim);
    const beginnings = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
    return this.#rows('sessions-claimed', sessionSql.listClaimed, [...page, names, beginnings]);
  }

  /** The owner of a session's audit trail, also after the session was purged. */
  async findOwner(reference: SessionReference): Promise<OwnedSession | undefined> {
    const values = [reference.id ?? null, reference.name ?? null];
    const [row] = await this.#rows<{ id: string; owner_id: string; operation_id: string }>(
      'session-owner',
      sessionSql.owner,
      values,
    );
    return row && { id: row.id, ownerId: row.owner_id, operationId: row.operation_id };
  }

  async #participant(name: string, text: string, values: unknown[]): Promise<SessionParticipant | undefined> {
    const [row] = await this.#rows<ParticipantRow>(name, text, values);
    return row && toParticipant(row);
  }

  /** The row of a decision. It is asked for again if there is none: a sign-in that the first statement waited for moved the person. */
  async #decided(name: string, text: string, values: unknown[]): Promise<DecidedRow | undefined> {
    const [row] = await this.#rows<DecidedRow>(name, text, values);
    return row ?? (await this.#rows<DecidedRow>(name, text, values))[0];
  }

  /** The statements have names, so that each database connection prepares and plans them once. */
  async #rows<R extends object>(name: string, text: string, values: unknown[]): Promise<R[]> {
    const { rows } = await this.#database.query<R>({ name, text, values });
    return rows;
  }
}

/** Whether a statement failed because another session with the same key was opened at the same moment. */
function isKeyTaken(error: unknown): boolean {
  const { code, constraint } = error as { code?: string; constraint?: string };
  return code === '23505' && constraint === 'idx_sessions_live_key';
}
