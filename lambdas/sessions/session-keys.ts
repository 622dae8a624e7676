import { claimedRole } from '../../protocol/access-claim.ts';
import type { Role, Session, SessionMetadata } from '../../protocol/entities.ts';
import { limits } from '../../protocol/limits.ts';
import { displayName } from '../../protocol/names.ts';
import { fitting } from '../../protocol/page.ts';
import { isAtLeast } from '../../protocol/permissions.ts';
import type { Timings } from '../../protocol/timings.ts';
import type { Queryable } from '../platform/database.ts';
import { sessionAt } from './access.ts';
import type { Asker } from './asker.ts';
import { checkKeyInput, checkUuid } from './session-input.ts';
import { sessionKeySql } from './session-key-sql.ts';
import { decodePosition, encodePosition } from './session-page.ts';
import { newSessionName } from './session-reference.ts';
import { millis, type SessionRow, toSession } from './session-rows.ts';

/** The result of opening a key: its live session, or one that was created. */
export interface Opening {
  created: boolean;
  /** UUID of the session. */
  id: string;
}

/** The user who opens a key, and what the session is created with if there is none. */
export interface OpenRequest {
  key: string;
  metadata?: SessionMetadata | undefined;
  /** Whether the session is public if the metadata do not say. */
  isPublic: boolean;
  owner: { userId: string; username?: string; externalId?: string | undefined };
}

/** A session whose audit trail the caller may read. */
export interface AuditedSession {
  id: string;
  /** Whether they read it as the owner of the session. */
  isOwner: boolean;
}

interface AuditedRow {
  id: string;
  owner_id: string;
  least_role: Role | null;
  role: Role | null;
  purged: boolean;
}

export interface SessionKeysOptions {
  database: Queryable;
  timings: Pick<Timings, 'sessionTimeoutMillis' | 'maxParticipants'>;
  /** The clock, Unix milliseconds. Only tests pass their own. */
  clock?: () => number;
}

/**
 * Sessions by the application's own id of their subject (rule SE11). A key has at most one live session. After that session
 * ended or expired, the next opening creates another one.
 */
export class SessionKeys {
  readonly #database: Queryable;
  readonly #timings: SessionKeysOptions['timings'];
  readonly #clock: () => number;

  constructor({ database, timings, clock = Date.now }: SessionKeysOptions) {
    this.#database = database;
    this.#timings = timings;
    this.#clock = clock;
  }

  /** The UUID of the key's live session; undefined if there is none. */
  async live(key: string): Promise<string | undefined> {
    const values = [key, this.#timings.sessionTimeoutMillis, this.#clock()];
    const [row] = await this.#rows<{ id: string }>('key-live', sessionKeySql.live, values);
    return row?.id;
  }

  /**
   * The live session of a key, or a new one that the caller owns. If several users open a key at the same time, one of them
   * creates the session.
   *
   * @throws RollcallError `INVALID_MESSAGE` or `TOO_LARGE` for input that the protocol does not allow.
   */
  async open({ key, metadata = {}, isPublic, owner }: OpenRequest): Promise<Opening> {
    const checked = checkKeyInput(key, metadata);
    const now = this.#clock();
    const fixed = [
      checkUuid('ownerId', owner.userId),
      owner.externalId ?? null,
      displayName(owner.username ?? '') || null,
    ];
    const access = [checked.isPublic ?? isPublic, checked.maxParticipants ?? this.#timings.maxParticipants];
    for (;;) {
      const values = [key, newSessionName(now), ...fixed, JSON.stringify(checked), ...access];
      const times = [this.#timings.sessionTimeoutMillis, now];
      const [row] = await this.#rows<{ result: Opening | null }>('key-open', sessionKeySql.open, [...values, ...times]);
      if (row?.result) return row.result;
    }
  }

  /**
   * All sessions of a key that a user may see, newest first, in pages like those of `SessionManager.listSessionsOf`. With an
   * access claim that is all of them, or none.
   */
  async list(
    key: string,
    { userId, claim }: Asker,
    page: { limit?: number | undefined; before?: string | undefined; maxBytes?: number } = {},
  ): Promise<{ items: Session[]; next?: string }> {
    const limit = Math.min(Math.max(Math.trunc(page.limit ?? 50), 1), limits.pageItems);
    const before = page.before === undefined ? undefined : decodePosition(page.before);
    if (claim && !claimedRole(claim, key)) return { items: [] };
    const place = [before?.startTime ?? null, before?.id ?? null];
    const values = [key, checkUuid('userId', userId), limit + 1, ...place, claim !== undefined];
    const rows = await this.#rows<SessionRow & { last_activity: Date }>('key-list', sessionKeySql.list, values);
    const now = this.#clock();
    const listed = rows
      .slice(0, limit)
      .map((row) => ({ session: toSession(row), lastActivityAt: millis(row.last_activity) }))
      .map((stored) => sessionAt(stored, now, this.#timings.sessionTimeoutMillis));
    const items = fitting(listed, page.maxBytes ?? Number.POSITIVE_INFINITY);
    const last = items.at(-1);
    return rows.length > items.length && last ? { items, next: encodePosition(last) } : { items };
  }

  /** The sessions of a key whose audit trail a user may read. Only the owner may read that of a purged one (rules SE6, DE9, SE12). */
  async audited(key: string, { userId, claim }: Asker): Promise<AuditedSession[]> {
    const claimed = claim && claimedRole(claim, key);
    if (claim && !claimed) return [];
    const rows = await this.#rows<AuditedRow>('key-audited', sessionKeySql.audited, [
      ...[key, checkUuid('userId', userId), claim !== undefined],
    ]);
    const ownsAny = claimed === undefined || claimed === 'operator';
    return rows
      .map((row) => ({
        ...{ ...row, role: claimed ?? row.role },
        isOwner: ownsAny && row.owner_id === userId.toLowerCase(),
      }))
      .filter(({ purged, isOwner, role, least_role: least }) => {
        return isOwner || (!purged && (least === null || (role !== null && isAtLeast(role, least))));
      })
      .map(({ id, isOwner }) => ({ id, isOwner }));
  }

  async #rows<R extends object>(name: string, text: string, values: unknown[]): Promise<R[]> {
    const { rows } = await this.#database.query<R>({ name, text, values });
    return rows;
  }
}
