import { logFailure } from '../../platform/log-failure.ts';
import { isRowFault } from '../../platform/row-fault.ts';
import { isAway } from '../../platform/unavailable.ts';
import type { Arrival, Departure } from '../../presence/outcome.ts';
import type { Services } from '../../services/services.ts';
import { recordArrivals } from './arrivals.ts';
import { recordDepartures } from './departures.ts';

/** Movements that one visit found. A user who is back keeps the slot that the departure would give back. */
export interface Movements {
  sessionId: string;
  arrivals: readonly Arrival[];
  departures: readonly (Departure & { isBack: boolean })[];
}

/** The result of writing movements. */
export interface WrittenMovements {
  /** Movements that are recorded: Redis need not keep them any longer. */
  written: (Arrival | Departure)[];
  /** Why the others are not recorded. */
  error?: unknown;
}

interface Task extends Movements {
  written: (Arrival | Departure)[];
  done(result: WrittenMovements): void;
}

/** Movements in one batch of statements. A batch must take much less than the second of rule FA1. */
const batchMovements = 500;

/**
 * Records the movements of many visits together. While one batch is being written, the next one collects. So a mass
 * disconnect of thousands costs a few statements for hundreds of users each, and a single movement does not wait.
 */
export class MovementWriter {
  readonly #services: Services;
  readonly #waiting: Task[] = [];
  #isWriting = false;

  constructor(services: Services) {
    this.#services = services;
  }

  /** Resolves once the movements are recorded, or could not be. Never throws. */
  write(movements: Movements): Promise<WrittenMovements> {
    if (movements.arrivals.length + movements.departures.length === 0) return Promise.resolve({ written: [] });
    return new Promise((done) => {
      this.#waiting.push({ ...movements, written: [], done });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) await this.#writeBatch(this.#nextBatch());
    this.#isWriting = false;
  }

  #nextBatch(): Task[] {
    let size = 0;
    const end = this.#waiting.findIndex(({ arrivals, departures }) => {
      size += arrivals.length + departures.length;
      return size >= batchMovements;
    });
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end + 1);
  }

  /**
   * If the stores refuse a batch, each visit is written alone, so a movement that cannot be stored does not block the
   * others.
   */
  async #writeBatch(tasks: readonly Task[]): Promise<void> {
    try {
      await writeTogether(this.#services, tasks);
      for (const { done, written } of tasks) done({ written });
    } catch (error) {
      if (tasks.length > 1 && !isAway(error)) for (const task of tasks) await this.#writeBatch([task]);
      else if (tasks.length === 1 && !isAway(error)) await this.#writeApart(tasks[0]!);
      else for (const { done, written } of tasks) done({ written, error });
    }
  }

  /**
   * Writes each movement alone. Redis returns the oldest movements of a session first. One that PostgreSQL refuses would
   * block the later ones for ever, so it is set aside and counts as written.
   */
  async #writeApart(task: Task): Promise<void> {
    const written: (Arrival | Departure)[] = [];
    /** Users with a movement that waits; their later movements wait, too. */
    const waiting = new Set<string>();
    let failure: unknown;
    for (const movement of [...task.arrivals, ...task.departures]) {
      if (waiting.has(movement.userId)) continue;
      const arrivals = task.arrivals.filter((arrival) => arrival === movement);
      const departures = task.departures.filter((departure) => departure === movement);
      const alone: Task = { ...task, arrivals, departures, written: [] };
      try {
        await writeTogether(this.#services, [alone]);
        if (alone.written.length === 0) waiting.add(movement.userId);
        written.push(...alone.written);
      } catch (error) {
        if (isRowFault(error) && (await this.#setAside(task.sessionId, movement, error))) written.push(movement);
        else {
          failure = error;
          waiting.add(movement.userId);
        }
        if (isAway(error)) break;
      }
    }
    task.done(failure === undefined ? { written } : { written, error: failure });
  }

  /** False if it could not be set aside either. Then it stays in the journal. */
  async #setAside(sessionId: string, { text }: Arrival | Departure, error: unknown): Promise<boolean> {
    try {
      await this.#services.activity.setMovementAside(sessionId, text, error);
      return true;
    } catch (failure) {
      logFailure(this.#services.log, 'A movement could not be set aside', failure, { sessionId });
      return false;
    }
  }
}

/**
 * Writes movements with few statements. The invocation that handled a join or a leave may have put its entry into the
 * outbox, so these movements are written as retries.
 */
async function writeTogether(services: Services, tasks: readonly Task[]): Promise<void> {
  for (const task of tasks) task.written = [];
  const arrivals = tasks.flatMap((task) =>
    task.arrivals.map((arriving) => ({ task, sessionId: task.sessionId, arriving, mayRepeat: true })),
  );
  const stored = await recordArrivals(services, arrivals);
  note(arrivals, stored, ({ arriving }) => arriving);
  // The audit trail decides whether a leave gets an entry. If an arrival waits in the outbox, the trail does not have it
  // yet, so the leaves of this user wait too.
  const waiting = new Set(
    arrivals.filter((_, index) => !stored[index]).map(({ task, arriving }) => keyOf(task, arriving)),
  );
  const departures = tasks.flatMap((task) =>
    task.departures
      .filter((departing) => !waiting.has(keyOf(task, departing)))
      .map((departing) => ({ task, sessionId: task.sessionId, departing, mayRepeat: departing.cause === 'left' })),
  );
  // A user may have left twice. The second leave is recorded after the first one is in the trail.
  for (const turn of turnsOf(departures, ({ task, departing }) => keyOf(task, departing))) {
    note(turn, await recordDepartures(services, turn), ({ departing }) => departing);
  }
}

const keyOf = ({ sessionId }: Movements, { userId }: Arrival | Departure) => `${sessionId}:${userId}`;

function note<T extends { task: Task }>(records: T[], stored: boolean[], of: (record: T) => Arrival | Departure): void {
  for (const [index, record] of records.entries()) if (stored[index]) record.task.written.push(of(record));
}

/** Splits the records into turns, so that no turn has a key twice. The records of a key keep their order. */
function turnsOf<T>(records: readonly T[], keyOf: (record: T) => string): T[][] {
  const turns: T[][] = [];
  const counts = new Map<string, number>();
  for (const record of records) {
    const turn = counts.get(keyOf(record)) ?? 0;
    counts.set(keyOf(record), turn + 1);
    turns[turn] ??= [];
    turns[turn].push(record);
  }
  return turns;
}
