import { setAsideMessage } from '../../platform/environment.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { applyApart } from '../../platform/row-fault.ts';
import type { Services } from '../../services/services.ts';
import type { SeenPerson } from '../../sessions/presence-differences.ts';
import { announceLiveness } from '../liveness/announce-liveness.ts';
import { type LastSeenUpdate, refreshMillis } from '../presence/visit-sessions.ts';
import { correctPresence } from './reconcile-presence.ts';

/** Users in one statement. */
const batchPeople = 5000;

/**
 * Collects last-seen updates and writes them to PostgreSQL, thousands of users in one statement, so that no heartbeat writes
 * there. Each user is written at most once in `refreshMillis`, however often a session is visited.
 */
export class LastSeenUpdates {
  readonly #services: Services;
  readonly #writeDown: typeof writeLastSeen;
  #gathered: LastSeenUpdate[] = [];
  /** When the users of a session were written last, Unix milliseconds. */
  readonly #writtenAt = new Map<string, number>();
  #writing: Promise<void> | undefined;

  constructor(services: Services, writeDown: typeof writeLastSeen = writeLastSeen) {
    this.#services = services;
    this.#writeDown = writeDown;
  }

  /** Adds the updates of a visit. */
  add(lastSeenUpdates: readonly LastSeenUpdate[]): void {
    for (const one of lastSeenUpdates) this.#gathered.push(one);
  }

  /**
   * Begins to write what was collected. Nothing waits for it, so a PostgreSQL that does not answer delays no announcement.
   */
  write(): void {
    if (this.#writing || this.#gathered.length === 0) return;
    const lastSeenUpdates = this.#gathered;
    this.#gathered = [];
    const due = this.#dueAmong(lastSeenUpdates, this.#services.clock());
    this.#writing = this.#writeDown(this.#services, lastSeenUpdates, due).finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything that was collected is written, or could not be. */
  async written(): Promise<void> {
    await this.#writing;
    this.write();
    await this.#writing;
  }

  /** The updates of sessions that were not written for `refreshMillis`. */
  #dueAmong(lastSeenUpdates: readonly LastSeenUpdate[], now: number): LastSeenUpdate[] {
    // The map keeps the order of the writes, so the old ones come first.
    for (const [sessionId, at] of this.#writtenAt) {
      if (at > now - refreshMillis(this.#services.timings)) break;
      this.#writtenAt.delete(sessionId);
    }
    const due = lastSeenUpdates.filter(({ sessionId }) => !this.#writtenAt.has(sessionId));
    for (const { sessionId } of due) this.#writtenAt.set(sessionId, now);
    return due;
  }
}

/**
 * Writes last-seen updates. The owner of a session that becomes active again by this is told (rule SE4). A user who is
 * present without a slot is removed from presence, and one who has another role now is shown with it, even if no time of
 * theirs is written. While PostgreSQL is away presence continues, and the next visits have newer times (rule FA3).
 */
export async function writeLastSeen(
  services: Services,
  seen: readonly LastSeenUpdate[],
  due: readonly LastSeenUpdate[] = seen,
): Promise<void> {
  const { sweepQueries, timings } = services;
  const touch = (rows: readonly SeenPerson[]) => sweepQueries.touchSessions(rows, refreshMillis(timings));
  const find = (rows: readonly SeenPerson[]) => sweepQueries.presenceDifferences(rows);
  await eachOf(services, due, touch, (session) =>
    announceLiveness(services, { type: 'session_activity', active: true, ...session }),
  );
  await eachOf(services, seen, find, (difference) => correctPresence(services, difference));
}

/**
 * Runs a statement over users in batches, and then the work for each row that it returns. A failure affects only its own
 * row.
 */
async function eachOf<R>(
  { log }: Services,
  people: readonly LastSeenUpdate[],
  statement: (rows: readonly SeenPerson[]) => Promise<R[]>,
  work: (row: R) => Promise<void>,
): Promise<void> {
  const setAside = async ({ sessionId, personId }: SeenPerson, error: unknown) =>
    log.error(setAsideMessage, { step: 'last-seen', id: `${sessionId}:${personId}`, error: error as Error });
  for (const rows of batchesOf(people)) {
    try {
      const found = await applyApart(rows, statement, setAside);
      const failed = (error: unknown) =>
        logFailure(log, 'A user or session that a visit saw could not be handled', error);
      await Promise.all(found.map((row) => work(row).catch(failed)));
    } catch (error) {
      logFailure(log, 'Last-seen times could not be written', error);
    }
  }
}

function* batchesOf(lastSeenUpdates: readonly LastSeenUpdate[]) {
  for (let from = 0; from < lastSeenUpdates.length; from += batchPeople) {
    yield lastSeenUpdates
      .slice(from, from + batchPeople)
      .map(({ sessionId, userId, at, role }) => ({ sessionId, personId: userId, at, role }));
  }
}
