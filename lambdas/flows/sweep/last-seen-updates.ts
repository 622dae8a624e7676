import { setAsideMessage } from '../../platform/environment.ts';
import { logFailure } from '../../platform/log-failure.ts';
import { applyApart } from '../../platform/row-fault.ts';
import type { Services } from '../../services/services.ts';
import type { LastSeenUpdate as LastSeenRow } from '../../sessions/touch-sessions.ts';
import { announceLiveness } from '../liveness/announce-liveness.ts';
import { type LastSeenUpdate, refreshMillis } from '../presence/visit-sessions.ts';
import { endPresenceWithoutSlot } from './reconcile-presence.ts';

/** People whom one statement takes. */
const batchPeople = 5000;

/**
 * When people were last seen, on its way to PostgreSQL: one statement for thousands of people, so that a heartbeat never
 * writes there. However often a session is visited, each person is written at most once in `refreshMillis`.
 */
export class LastSeenUpdates {
  readonly #services: Services;
  readonly #writeDown: typeof writeLastSeen;
  #gathered: LastSeenUpdate[] = [];
  /** When the people of a session were last written, Unix milliseconds. */
  readonly #writtenAt = new Map<string, number>();
  #writing: Promise<void> | undefined;

  constructor(services: Services, writeDown: typeof writeLastSeen = writeLastSeen) {
    this.#services = services;
    this.#writeDown = writeDown;
  }

  /** Takes over what a visit found. */
  add(lastSeenUpdates: readonly LastSeenUpdate[]): void {
    for (const one of lastSeenUpdates) this.#gathered.push(one);
  }

  /** Begins to write what was gathered. A PostgreSQL that hangs must not hold up who is announced: nobody waits for it. */
  write(): void {
    if (this.#writing || this.#gathered.length === 0) return;
    const lastSeenUpdates = this.#gathered;
    this.#gathered = [];
    const due = this.#dueAmong(lastSeenUpdates, this.#services.clock());
    this.#writing = this.#writeDown(this.#services, lastSeenUpdates, due).finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves when everything that was gathered is written, or could not be. */
  async written(): Promise<void> {
    await this.#writing;
    this.write();
    await this.#writing;
  }

  /** Those of sessions that were not written for long enough. */
  #dueAmong(lastSeenUpdates: readonly LastSeenUpdate[], now: number): LastSeenUpdate[] {
    // They stand in the order in which they were written, so the old ones come first.
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
 * Writes down who was seen; the owner of a session that this brings back to life is told (rule SE4). Who was seen without a
 * slot is taken out, also where nothing is written. While PostgreSQL is away presence goes on; the next visits find
 * newer times (rule FA3). A person whom PostgreSQL refuses is left out, and the others are written.
 */
export async function writeLastSeen(
  services: Services,
  seen: readonly LastSeenUpdate[],
  due: readonly LastSeenUpdate[] = seen,
): Promise<void> {
  const { sweepQueries, timings } = services;
  const touch = (rows: readonly LastSeenRow[]) => sweepQueries.touchSessions(rows, refreshMillis(timings));
  const find = (rows: readonly LastSeenRow[]) => sweepQueries.peopleWithoutSlot(rows);
  await eachOf(services, due, touch, (session) =>
    announceLiveness(services, { type: 'session_activity', active: true, ...session }),
  );
  await eachOf(services, seen, find, (person) => endPresenceWithoutSlot(services, person));
}

/** Runs a statement over the people in batches, and the work for each row it returns. A failure concerns its row alone. */
async function eachOf<R>(
  { log }: Services,
  people: readonly LastSeenUpdate[],
  statement: (rows: readonly LastSeenRow[]) => Promise<R[]>,
  work: (row: R) => Promise<void>,
): Promise<void> {
  const setAside = async ({ sessionId, personId }: LastSeenRow, error: unknown) =>
    log.error(setAsideMessage, { step: 'last-seen', id: `${sessionId}:${personId}`, error: error as Error });
  for (const rows of batchesOf(people)) {
    try {
      const found = await applyApart(rows, statement, setAside);
      const failed = (error: unknown) => logFailure(log, 'What was seen in a session could not be told', error);
      await Promise.all(found.map((row) => work(row).catch(failed)));
    } catch (error) {
      logFailure(log, 'The times when people were last seen could not be written down', error);
    }
  }
}

function* batchesOf(lastSeenUpdates: readonly LastSeenUpdate[]) {
  for (let from = 0; from < lastSeenUpdates.length; from += batchPeople) {
    yield lastSeenUpdates
      .slice(from, from + batchPeople)
      .map(({ sessionId, userId, at }) => ({ sessionId, personId: userId, at }));
  }
}
