import { v5 as uuidv5 } from 'uuid';
import { isServerActivityType } from '../../protocol/server-activity.ts';
import { dependencyTimeoutMillis } from '../../protocol/timings.ts';
import { withDeadline } from '../platform/deadline.ts';
import { setAsideMessage } from '../platform/environment.ts';
import { log } from '../platform/log.ts';
import { isRowFault } from '../platform/row-fault.ts';
import { Unavailable } from '../platform/unavailable.ts';
import type { ActivityEntry } from './activity-entry.ts';
import { type ActivityOutbox, asideShard } from './activity-outbox.ts';
import type { ActivityRepository, EntryOwner } from './activity-repository.ts';
import { withRetry } from './retry.ts';

/**
 * The result for an entry:
 *
 * - `new`: it was written to PostgreSQL.
 * - `repeated`: the same user sent it to the same session before.
 * - `taken`: its id belongs to another entry, so nothing was written.
 * - `deferred`: it was written to the outbox.
 * - `waiting`: an earlier attempt is in the outbox.
 */
export type WriteOutcome = 'new' | 'repeated' | 'taken' | 'deferred' | 'waiting';

/** The result for an entry. If an earlier attempt is in the outbox, `entry` is that attempt. */
export interface Written {
  outcome: WriteOutcome;
  entry: ActivityEntry;
}

/** The time limit of a lookup in the outbox, so that there is still time to write to PostgreSQL. */
const lookupMillis = dependencyTimeoutMillis * 0.3;

/** Makes entries durable: in PostgreSQL, or in the outbox while PostgreSQL is away (rules AC1 and AC3). */
export class ActivityWriter {
  readonly #repository: ActivityRepository;
  readonly #outbox: ActivityOutbox | undefined;
  readonly #writeMillis: number | undefined;

  /** @param millis the time limit of a write to PostgreSQL with its retries. Default: that of `withRetry`. */
  constructor(repository: ActivityRepository, outbox: ActivityOutbox | undefined, millis?: number) {
    this.#repository = repository;
    this.#outbox = outbox;
    this.#writeMillis = millis;
  }

  /**
   * Writes the entries. When it resolves, each is durable, except those whose id was taken.
   *
   * @param mayRepeat ids of entries that may have an earlier attempt in the outbox. The earlier attempt counts, and only the
   *   replay writes it to PostgreSQL. If the retry were written now, it would take the id, and the replay would drop the
   *   first attempt.
   * @returns the result of each entry, in their order.
   * @throws RollcallError UNAVAILABLE if neither store accepts them; the error of the database if it refuses the data.
   */
  async write(entries: readonly ActivityEntry[], mayRepeat: readonly string[] = []): Promise<Written[]> {
    const waiting = await this.#waiting(mayRepeat);
    const open = entries.filter(({ id }) => !waiting.has(id));
    const outcomes = open.length > 0 ? await this.#writeOpen(open) : [];
    const byEntry = new Map(open.map((entry, place) => [entry, outcomes[place]!]));
    return entries.map((entry): Written => {
      const first = waiting.get(entry.id);
      if (!first) return { outcome: byEntry.get(entry)!, entry };
      return isSameEntry(first, entry) ? { outcome: 'waiting', entry: first } : { outcome: 'taken', entry };
    });
  }

  /** If the outbox does not answer, the entries are written without the lookup. Its outage must not stop new activity. */
  async #waiting(ids: readonly string[]): Promise<Map<string, ActivityEntry>> {
    if (!this.#outbox || ids.length === 0) return new Map();
    try {
      return await withDeadline(this.#outbox.waiting(ids), lookupMillis);
    } catch (error) {
      log.warn('The outbox could not be searched for earlier attempts', { entries: ids.length, error: error as Error });
      return new Map();
    }
  }

  async #writeOpen(entries: readonly ActivityEntry[]): Promise<WriteOutcome[]> {
    try {
      return await withRetry(() => this.writeToDatabase(entries), this.#writeMillis);
    } catch (error) {
      if (isRowFault(error)) throw error;
      await this.#defer(entries, error);
      return entries.map(() => 'deferred');
    }
  }

  /** Writes without the outbox, so it fails while PostgreSQL is away. */
  async writeToDatabase(entries: readonly ActivityEntry[]): Promise<WriteOutcome[]> {
    const written = await this.#repository.insert(entries);
    if (written.size === entries.length) return entries.map(() => 'new');
    const owners = await this.#repository.ownersOf(entries.map((entry) => entry.id));
    const seen = new Set<string>();
    return entries.map((entry) => {
      const owner = owners.get(entry.id);
      if (owner && !isSameEntry(owner, entry)) return 'taken';
      const isNew = written.has(entry.id) && !seen.has(entry.id);
      seen.add(entry.id);
      return isNew ? 'new' : 'repeated';
    });
  }

  /** Like {@link writeToDatabase}, but an entry whose id was taken is written with another id. */
  async writeAllToDatabase(entries: readonly ActivityEntry[]): Promise<void> {
    const outcomes = await this.writeToDatabase(entries);
    const taken = entries.filter((_, index) => outcomes[index] === 'taken');
    if (taken.length > 0) await this.writeToDatabase(taken.map(underOwnId));
  }

  /**
   * Makes all entries durable. An entry whose id was taken gets another id. An entry that the database refuses is set aside
   * in the outbox, and the others are still written.
   */
  async writeAll(entries: readonly ActivityEntry[]): Promise<void> {
    try {
      const repeatable = entries.filter(({ isRepeatable }) => isRepeatable).map(({ id }) => id);
      const written = await this.write(entries, repeatable);
      const taken = written.filter(({ outcome }) => outcome === 'taken').map(({ entry }) => underOwnId(entry));
      if (taken.length > 0) await this.write(taken);
    } catch (error) {
      if (!isRowFault(error)) throw error;
      if (entries.length === 1) return this.#setAside(entries, error);
      for (const entry of entries) await this.writeAll([entry]);
    }
  }

  async #setAside(entries: readonly ActivityEntry[], error: unknown): Promise<void> {
    log.error(setAsideMessage, { step: 'queue', id: entries[0]?.id, error: error as Error });
    await this.#outbox?.put(entries, asideShard);
  }

  async #defer(entries: readonly ActivityEntry[], cause: unknown): Promise<void> {
    if (!this.#outbox) throw unavailable(cause);
    log.warn('PostgreSQL is away; activity is written to the outbox', {
      entries: entries.length,
      error: cause as Error,
    });
    try {
      await withDeadline(this.#outbox.put(entries), dependencyTimeoutMillis);
    } catch (error) {
      log.error('The outbox did not accept the activity either', { entries: entries.length, error: error as Error });
      throw unavailable(error);
    }
  }
}

/**
 * Whether two entries with one id are attempts of the same one. Users know from which values the server makes the ids of its entries.
 * So an activity that a user logs is never an attempt of an entry of the server, and does not take its place.
 */
function isSameEntry(one: EntryOwner, other: EntryOwner): boolean {
  return (
    one.sessionId === other.sessionId &&
    one.userId === other.userId &&
    isServerActivityType(one.activityType) === isServerActivityType(other.activityType)
  );
}

const ownIds = 'a3f6c1de-5b0e-5c52-9d0b-6c2b3a1f7e44';

/** The entry with another id, derived from its content. So an acknowledged entry is not lost because its id was taken. */
export function underOwnId(entry: ActivityEntry): ActivityEntry {
  return { ...entry, id: uuidv5(`${entry.id}/${entry.sessionId}/${entry.userId ?? ''}`, ownIds) };
}

function unavailable(cause: unknown): Unavailable {
  return new Unavailable('database', cause, 'The activity could not be recorded right now. Try again.');
}
