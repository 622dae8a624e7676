import { timingSafeEqual } from 'node:crypto';
import { RollcallError } from '../../protocol/errors.ts';
import { type KeyScope, serverLimits } from '../../protocol/server-api.ts';
import type { Queryable } from '../platform/database.ts';
import { log } from '../platform/log.ts';
import { logFailure } from '../platform/log-failure.ts';
import { isAway } from '../platform/unavailable.ts';
import { keySql } from './key-sql.ts';
import { checkTerms } from './key-terms.ts';
import { newKey, readKey } from './key-text.ts';
import type { KeyTerms, ServerKey } from './server-key.ts';

interface KeyRow {
  id: string;
  name: string;
  scopes: KeyScope[];
  sessions: string[];
  created_by: string | null;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}

/** A key with what is needed to verify it, and when it was read. */
interface Known {
  key: ServerKey;
  secretHash: Buffer;
  readAt: number;
}

/** How many keys one execution environment keeps. */
const capacity = 1000;

/**
 * The keys of the server API. Only hashes are stored. An execution environment keeps what it read for
 * `serverLimits.keyCacheMillis`, so most requests need no query, and a revocation takes effect within that time.
 *
 * Every method throws RollcallError UNAVAILABLE while PostgreSQL is away, and the codes that it names itself.
 */
export class ServerKeys {
  readonly #database: Queryable;
  readonly #clock: () => number;
  readonly #known = new Map<string, Known>();

  constructor(database: Queryable, clock: () => number = Date.now) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Creates a key.
   *
   * @param createdBy the user; null for the command line.
   * @returns the key with its secret, which is shown only now.
   * @throws `INVALID_MESSAGE` for terms that are not allowed.
   */
  async create(terms: KeyTerms, createdBy: string | null): Promise<{ secret: string; key: ServerKey }> {
    const now = Math.trunc(this.#clock());
    const { name, scopes, sessions, expiresAt } = checkTerms(terms, now);
    const { id, secretHash, text } = newKey();
    const values = [id, name, secretHash, scopes, sessions, createdBy, now, expiresAt];
    const [row] = await this.#rows<KeyRow>('server-key-create', keySql.create, values);
    return { secret: text, key: toKey(row!) };
  }

  /** All keys, the newest first, also those that are revoked or expired. */
  async list(): Promise<ServerKey[]> {
    return (await this.#rows<KeyRow>('server-keys', keySql.list, [])).map(toKey);
  }

  /**
   * Revokes a key for ever. A second call changes nothing.
   *
   * @param revokedBy the user; null for the command line.
   * @returns undefined if there is no such key.
   */
  async revoke(id: string, revokedBy: string | null): Promise<ServerKey | undefined> {
    this.#known.delete(id);
    const values = [id, revokedBy, Math.trunc(this.#clock())];
    const [row] = await this.#rows<KeyRow>('server-key-revoke', keySql.revoke, values);
    return row && toKey(row);
  }

  /**
   * The key of a request. A holder of the secret is told that the key is revoked or expired; to others all refusals are the same.
   *
   * @param text the key; undefined if the request has none.
   * @throws `UNAUTHENTICATED`
   */
  async verify(text: string | undefined): Promise<ServerKey> {
    const given = text === undefined ? undefined : readKey(text);
    if (!given) throw refused(text === undefined ? 'missing' : 'invalid');
    const { id, secretHash } = given;
    const kept = this.#known.get(id);
    const now = this.#clock();
    const isFresh = kept !== undefined && isWithin(serverLimits.keyCacheMillis, kept.readAt, now);
    const known = isFresh ? kept : await this.#read(id, kept, now);
    // An unknown id takes as long as a wrong secret.
    const isSame = timingSafeEqual(known?.secretHash ?? secretHash, secretHash);
    if (!known || !isSame) throw refused('invalid');
    if (known.key.revokedAt !== null) throw refused('revoked');
    if (known.key.expiresAt !== null && known.key.expiresAt <= now) throw refused('expired');
    if (!isFresh && known.readAt === now) await this.#noteUse(known.key, now);
    return known.key;
  }

  async #read(id: string, kept: Known | undefined, now: number): Promise<Known | undefined> {
    try {
      const [row] = await this.#rows<KeyRow & { secret_hash: Buffer }>('server-key', keySql.find, [id]);
      this.#known.delete(id);
      if (!row) return undefined;
      const known = { key: toKey(row), secretHash: row.secret_hash, readAt: now };
      if (this.#known.size >= capacity) this.#known.clear();
      this.#known.set(id, known);
      return known;
    } catch (error) {
      // Nobody can revoke a key while PostgreSQL is away.
      if (kept && isAway(error, 'database') && isWithin(serverLimits.keyAwayMillis, kept.readAt, now)) return kept;
      throw error;
    }
  }

  /** The use is only shown in the list. So a failure to note it refuses nobody. */
  async #noteUse({ id, lastUsedAt }: ServerKey, now: number): Promise<void> {
    if (lastUsedAt !== null && now - lastUsedAt < 60_000) return;
    try {
      await this.#rows('server-key-use', keySql.use, [id, Math.trunc(now)]);
    } catch (error) {
      logFailure(log, 'The use of a server key could not be noted', error, { keyId: id });
    }
  }

  async #rows<R extends object>(name: string, text: string, values: unknown[]): Promise<R[]> {
    const { rows } = await this.#database.query<R>({ name, text, values });
    return rows;
  }
}

function toKey(row: KeyRow): ServerKey {
  const { id, name, scopes, sessions } = row;
  return {
    ...{ id, name, scopes, sessions, createdBy: row.created_by, createdAt: row.created_at.getTime() },
    expiresAt: row.expires_at?.getTime() ?? null,
    revokedAt: row.revoked_at?.getTime() ?? null,
    lastUsedAt: row.last_used_at?.getTime() ?? null,
  };
}

/** Whether less than this passed since a time. A clock that was set back cannot tell, so it counts as too long. */
function isWithin(millis: number, since: number, now: number): boolean {
  return now >= since && now - since < millis;
}

const refusalTexts = {
  missing: 'The server API needs a key: send the header "Authorization: Bearer rk_…".',
  invalid: 'The key is not valid; create one with "npx rollcall keys create".',
  revoked: 'The key has been revoked; use another one.',
  expired: 'The key has expired; create another one.',
};

function refused(because: keyof typeof refusalTexts): RollcallError {
  return new RollcallError('UNAUTHENTICATED', refusalTexts[because]);
}
