import type { Role, Session, SessionMetadata, SessionParticipant } from '../../protocol/entities.ts';
import { limits } from '../../protocol/limits.ts';
import { displayName } from '../../protocol/names.ts';
import { fitting } from '../../protocol/page.ts';
import { type Action, isPermitted } from '../../protocol/permissions.ts';
import type { Timings } from '../../protocol/timings.ts';
import type { Queryable } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { accessOf, denied, type SessionAccess, sessionAt } from './access.ts';
import type { Asker } from './asker.ts';
import type { Expiry } from './expiry.ts';
import { type InviteKeys, JoinGate, type JoinResult } from './join-gate.ts';
import type { Person } from './person.ts';
import { readStay, type Stay } from './read-stay.ts';
import { refusals } from './refusals.ts';
import { releaseSlots, type SlotRelease } from './release-slots.ts';
import { checkRole, checkSessionInput, checkUuid } from './session-input.ts';
import { decodePosition, encodePosition } from './session-page.ts';
import { newSessionName } from './session-reference.ts';
import { type OwnedSession, SessionRepository } from './session-repository.ts';
import { SessionResolver } from './session-resolver.ts';

/** The result of a recovery. */
export interface Recovery {
  session: Session;
  recovered: boolean;
  unannounced?: Expiry | undefined;
}

export interface SessionManagerOptions {
  database: Queryable;
  timings: Pick<Timings, 'sessionTimeoutMillis' | 'sessionRetentionMillis' | 'maxParticipants'>;
  /** The secrets that sign invites; see {@link signInvite}. */
  inviteKeys: InviteKeys;
  /** The clock, Unix milliseconds. Only tests pass their own. */
  clock?: () => number;
}

/**
 * What users do with sessions (rules SE1 to SE9). A `reference` is the UUID of a session or its `SESSION-…` name.
 *
 * Every method throws RollcallError: `SESSION_NOT_FOUND` for an unknown reference, `UNAVAILABLE` while PostgreSQL is away,
 * and the codes that it names itself.
 */
export class SessionManager {
  readonly #database: Queryable;
  readonly #repository: SessionRepository;
  readonly #resolver: SessionResolver;
  readonly #gate: JoinGate;
  readonly #timings: SessionManagerOptions['timings'];
  readonly #clock: () => number;

  constructor(options: SessionManagerOptions) {
    this.#timings = options.timings;
    this.#clock = options.clock ?? Date.now;
    this.#database = options.database;
    this.#repository = new SessionRepository(options.database);
    this.#resolver = new SessionResolver(this.#repository);
    this.#gate = new JoinGate(this.#repository, options.inviteKeys, options.timings.sessionTimeoutMillis);
  }

  /**
   * Creates a session. Its owner holds the first slot, as operator.
   *
   * @param owner names the user. Without it, the name that is stored stays.
   * @throws `INVALID_MESSAGE` or `TOO_LARGE` for input that the protocol does not allow.
   */
  async createSession(
    ownerId: string,
    operationId: string,
    metadata: SessionMetadata = {},
    owner: { username?: string; externalId?: string | undefined } = {},
  ): Promise<Session> {
    const checked = checkSessionInput(operationId, metadata);
    const input = {
      operationId,
      ownerId: checkUuid('ownerId', ownerId),
      ownerName: displayName(owner.username ?? '') || null,
      ownerExternalId: owner.externalId ?? null,
      maxParticipants: checked.maxParticipants ?? this.#timings.maxParticipants,
      metadata: checked,
      now: this.#clock(),
    };
    let session: Session | undefined;
    while (!session) session = await this.#repository.create({ ...input, name: newSessionName(input.now) });
    return session;
  }

  /** A session at this moment. After its time it is `expired`, also before a sweep records that (rule SE5). */
  async getSession(reference: string): Promise<Session> {
    const stored = await this.#resolver.find(reference);
    return sessionAt(stored, this.#clock(), this.#timings.sessionTimeoutMillis);
  }

  /** Whether a session has expired, also before a sweep records that; an ended one has not (rule SE5). */
  async checkSessionExpiry(reference: string): Promise<boolean> {
    const { status } = await this.getSession(reference);
    log.debug(`Session expiry check: ${status}`);
    return status === 'expired';
  }

  /** The UUID of a session. A UUID is returned unchecked. A name is looked up once and remembered. */
  resolveSessionId(reference: string): Promise<string> {
    return this.#resolver.resolve(reference);
  }

  /**
   * Sessions that the user owns or may join, newest first. With an access claim, all sessions that it covers.
   *
   * @param page `before` is the `next` of the page before; `limit` at most 1,000 (50), fewer if more than `maxBytes` of JSON.
   */
  async listSessionsOf(
    { userId, claim }: Asker,
    page: { limit?: number | undefined; before?: string | undefined; maxBytes?: number } = {},
  ): Promise<{ items: Session[]; next?: string }> {
    const limit = Math.min(Math.max(Math.trunc(page.limit ?? 50), 1), limits.pageItems);
    const before = page.before === undefined ? undefined : decodePosition(page.before);
    const found = await this.#repository.listOf({ userId: checkUuid('userId', userId), claim }, limit + 1, before);
    const now = this.#clock();
    const listed = found.slice(0, limit).map((stored) => sessionAt(stored, now, this.#timings.sessionTimeoutMillis));
    const items = fitting(listed, page.maxBytes ?? Number.POSITIVE_INFINITY);
    const last = items.at(-1);
    return found.length > items.length && last ? { items, next: encodePosition(last) } : { items };
  }

  /**
   * Lets a person join if the session, its slots and their access allow it (rules SE2, SE3), in one atomic round trip.
   *
   * The owner needs a free slot like everyone, so that there is one limit. Managing the session needs no slot.
   *
   * @param invite the token, if the person has one. For a guest it is the only access, each time.
   * @throws JoinRefused (a RollcallError) `SESSION_NOT_FOUND`, `SESSION_INACTIVE`, `SESSION_FULL`, `PERMISSION_DENIED`,
   *   `INVITE_EXPIRED` or `INVITE_INVALID`. For the last two it carries the invite and the reason for the audit trail.
   */
  joinSession(request: { sessionRef: string; person: Person; invite?: string | undefined }): Promise<JoinResult> {
    return this.#gate.join(request.sessionRef, request.person, request.invite, this.#clock());
  }

  /**
   * Gives a user a slot and a role without an invite. The caller checks who may do that. Without a role, a participant keeps
   * theirs and a new one becomes `viewer`. The owner stays operator.
   *
   * @throws JoinRefused `SESSION_NOT_FOUND`, `SESSION_INACTIVE` or `SESSION_FULL`.
   */
  async addParticipant(
    reference: string,
    userId: string,
    role?: Role,
    user: { username?: string; externalId?: string | undefined } = {},
  ): Promise<JoinResult> {
    const grant = { role: role === undefined ? null : checkRole(role) };
    return this.#gate.grant(reference, { userId, ...user }, grant, this.#clock());
  }

  /**
   * Gives the slot back. `durationSeconds` counts from the join; it is 0 for a person who held no slot.
   *
   * @param options `joinedUntil` for a leave that is recorded late: a person who joined again after it keeps the slot.
   */
  async leaveSession(
    reference: string,
    personId: string,
    cause = 'left',
    options: { joinedUntil?: number } = {},
  ): Promise<{ sessionId: string; wasActive: boolean; durationSeconds: number }> {
    const sessionId = await this.#resolver.resolve(reference);
    const id = checkUuid('userId', personId);
    const left = await this.#repository.leave(sessionId, id, cause, this.#clock(), options.joinedUntil ?? null);
    const durationSeconds = left ? Math.round(((left.leftAt ?? left.joinedAt) - left.joinedAt) / 1000) : 0;
    return { sessionId, wasActive: left !== undefined, durationSeconds };
  }

  /** Gives back the slots of many people whose leaves are recorded late, with one statement. */
  releaseSlots(leaves: readonly SlotRelease[]): Promise<void> {
    return releaseSlots(this.#database, leaves, this.#clock());
  }

  /**
   * Takes the slot and the access away. A removed person can return only with an invite that was made later, or into a
   * public session as a newcomer. A second call changes nothing; `removed` is true the first time (rule SE9).
   *
   * @throws `PERMISSION_DENIED` for the owner of the session.
   */
  async removeParticipant(
    reference: string,
    personId: string,
  ): Promise<{ sessionId: string; removed: boolean; wasActive: boolean; participant: SessionParticipant | null }> {
    const { session } = await this.#resolver.find(reference);
    if (session.ownerId === checkUuid('userId', personId)) throw refusals.ownerStays();
    const done = await this.#repository.remove(session.id, personId, this.#clock());
    const { wasActive = false, participant = null } = done ?? {};
    return { sessionId: session.id, removed: done !== undefined, wasActive, participant };
  }

  /** {@link removeParticipant} for a user. @throws `PERMISSION_DENIED` unless they are the owner. */
  async removeByOwner(reference: string, asker: Asker, personId: string) {
    const { session } = await this.authorize(reference, asker, 'manage', { evenEnded: true });
    return this.removeParticipant(session.id, personId);
  }

  /**
   * Gives a participant another role, which applies from their next message. It stays when they leave, and no invite that
   * was made earlier can raise it again.
   *
   * @throws `PERMISSION_DENIED` unless the asker is the owner and changes another person, whose role no access claim sets;
   *   `NOT_IN_SESSION` for a person without access to the session.
   */
  async setRole(reference: string, asker: Asker, personId: string, role: Role): Promise<SessionParticipant> {
    const { session } = await this.authorize(reference, asker, 'manage');
    if (session.ownerId === checkUuid('userId', personId)) throw refusals.ownerStays();
    const changed = await this.#repository.setRole(session.id, personId, checkRole(role), this.#clock());
    if (changed) return changed;
    if (await this.#repository.isClaimed(session.id, personId)) throw refusals.claimDecides();
    throw refusals.notParticipant();
  }

  /** The participants who hold a slot, the first to join first; with `includeLeft` also those who held one (the newest 1,000). */
  async getParticipants(reference: string, options: { includeLeft?: boolean } = {}): Promise<SessionParticipant[]> {
    const sessionId = await this.#resolver.resolve(reference);
    return this.#repository.participants(sessionId, options.includeLeft ?? false, limits.maxParticipants);
  }

  /** See {@link readStay}. */
  getStay(sessionId: string, personId: string): Promise<Stay | undefined> {
    return readStay(this.#database, sessionId, personId);
  }

  /** Whether a person may do this (rule SE1). Also false for a session that does not exist. */
  async hasPermission(reference: string, asker: Asker, action: Action): Promise<boolean> {
    const stored = await this.#resolver.findAccess(reference, checkUuid('userId', asker.userId));
    return stored !== undefined && isPermitted(accessOf(stored, asker).access, action);
  }

  /**
   * The session and the access of a user to it, if they may do this there.
   *
   * @param options `evenEnded` for what can be done with a session that ended or expired: reading it, recovering it.
   * @throws as `denied` says (rule SE13); `SESSION_INACTIVE` for a session that ended or expired.
   */
  async authorize(
    reference: string,
    asker: Asker,
    action: Action,
    options: { evenEnded?: boolean } = {},
  ): Promise<SessionAccess> {
    const stored = await this.#resolver.findAccess(reference, checkUuid('userId', asker.userId));
    if (!stored) throw refusals.notFound();
    const found = accessOf(stored, asker);
    if (!isPermitted(found.access, action)) throw denied(found, action);
    const session = sessionAt(stored, this.#clock(), this.#timings.sessionTimeoutMillis);
    if (!options.evenEnded && session.status !== 'active') {
      throw session.status === 'expired' ? refusals.expired(this.#timings.sessionTimeoutMillis) : refusals.ended();
    }
    return { ...found, session };
  }

  /**
   * Ends a session for all users. A second call changes nothing: `ended` is true for the call that did it (rule SE9). A
   * session that expired before stays expired.
   *
   * @param options `asker`: the user who ends it. Without one, the caller has checked the permission.
   * @throws `PERMISSION_DENIED` unless the asker is the owner.
   */
  async endSession(
    reference: string,
    options: { status?: 'completed' | 'failed' | undefined; asker?: Asker } = {},
  ): Promise<{ session: Session; ended: boolean }> {
    const sessionId =
      options.asker === undefined
        ? await this.#resolver.resolve(reference)
        : (await this.authorize(reference, options.asker, 'manage', { evenEnded: true })).session.id;
    const status = options.status ?? 'completed';
    const ended = await this.#repository.end(sessionId, status, this.#timings.sessionTimeoutMillis, this.#clock());
    return { session: ended ?? (await this.getSession(sessionId)), ended: ended !== undefined };
  }

  /**
   * Recovers an expired session within its retention (rule SE6). Users join it again; their roles do not change. `recovered`
   * is false for a session that is active anyway. `unannounced` is the expiry if no sweep has announced it, so that the caller
   * can still record it.
   *
   * @throws `PERMISSION_DENIED` unless the asker is the owner; `SESSION_INACTIVE` if it ended, or expired too long ago.
   */
  async recoverSession(reference: string, asker: Asker): Promise<Recovery> {
    const { session } = await this.authorize(reference, asker, 'manage', { evenEnded: true });
    if (session.status === 'completed' || session.status === 'failed') throw refusals.ended();
    const { sessionTimeoutMillis, sessionRetentionMillis } = this.#timings;
    const times = { sessionTimeoutMillis, sessionRetentionMillis, now: this.#clock() };
    const recovered = await this.#repository.recover(session, times);
    if (recovered) return { ...recovered, recovered: true };
    const current = await this.getSession(session.id);
    if (current.status !== 'active') throw refusals.recoveryOver(current.key);
    return { session: current, recovered: false };
  }

  /** The owner of a session, also of a purged one. @throws `SESSION_NOT_FOUND` once nothing is left of it. */
  getOwner(reference: string): Promise<OwnedSession> {
    return this.#resolver.findOwner(reference);
  }
}
