import type { ActivityItem } from '../../protocol/entities.ts';
import { RollcallError } from '../../protocol/errors.ts';
import { type ActivityContext, type ActivityDetails, makeEntry, toItem } from './activity-entry.ts';
import type { ActivityOutbox } from './activity-outbox.ts';
import { ActivityRepository, type Database } from './activity-repository.ts';
import { ActivityWriter } from './activity-writer.ts';

export interface ActivityLoggerOptions {
  /** A `pg` pool, or anything with its `query` and `connect`. */
  pool: Database;
  /** Where entries wait while PostgreSQL is away; without it they are refused then (UNAVAILABLE). */
  outbox?: ActivityOutbox | undefined;
  /** Unix milliseconds; the system's clock by default. */
  clock?: (() => number) | undefined;
}

export interface LoggedActivity {
  activity: ActivityItem;
  /** False where the same activity was sent before: there is nothing to announce. */
  isNew: boolean;
}

/** Writes the audit trail of the sessions and answers questions about it. */
export class ActivityLogger {
  readonly #clock: () => number;
  readonly #writer: ActivityWriter;

  constructor(options: ActivityLoggerOptions) {
    this.#clock = options.clock ?? Date.now;
    this.#writer = new ActivityWriter(new ActivityRepository(options.pool), options.outbox);
  }

  /**
   * Records one activity. When it resolves, the entry is in PostgreSQL or in the outbox (rule AC1).
   *
   * @param sessionId the session's UUID.
   * @param userId a user's id or a guest's anonymous id; null for what the server did by itself.
   * @throws RollcallError INVALID_MESSAGE or TOO_LARGE for what cannot be stored or an `activityId` that is another
   *   entry's; UNAVAILABLE when neither store takes it.
   */
  async logActivity(
    sessionId: string,
    userId: string | null,
    type: string,
    details: ActivityDetails = {},
    context: ActivityContext = {},
  ): Promise<LoggedActivity> {
    const entry = makeEntry({ ...context, sessionId, userId, type, details }, this.#clock());
    const [outcome] = await this.#writer.write([entry]);
    if (outcome === 'taken') {
      throw new RollcallError('INVALID_MESSAGE', 'This activityId belongs to another entry; send a fresh UUID.');
    }
    // An id of the server's own can only be there already because an attempt whose answer was lost wrote it.
    return { activity: toItem(entry), isNew: outcome !== 'repeated' || context.activityId === undefined };
  }
}
