import type { Queryable } from '../platform/database.ts';
import { SetAside } from '../platform/set-aside.ts';
import { occupiedSessions } from './occupied-sessions.ts';
import { type PresenceDifference, presenceDifferences } from './presence-differences.ts';
import { silentParticipants } from './silent-participants.ts';
import { touchSessions } from './touch-sessions.ts';

/** The queries of the sweep about participants. Each query is described in its own module. */
export class SweepQueries {
  readonly #database: Queryable;
  readonly #sweepDatabase: Queryable;

  /** @param sweepDatabase for statements that may take ten seconds. */
  constructor(database: Queryable, sweepDatabase: Queryable) {
    this.#database = database;
    this.#sweepDatabase = sweepDatabase;
  }

  /** The sessions in which at least one slot is held, in pages. */
  occupiedSessions(): AsyncIterable<string[]> {
    return occupiedSessions(this.#database);
  }

  /** How many users are in a session now. A user in several sessions counts once. */
  async activeUsers(): Promise<number> {
    const { rows } = await this.#sweepDatabase.query<{ users: string }>(
      'SELECT count(DISTINCT person_id) AS users FROM session_participants WHERE left_at IS NULL',
    );
    return Number(rows[0]!.users);
  }

  touchSessions(...parameters: Rest<typeof touchSessions>): ReturnType<typeof touchSessions> {
    return touchSessions(this.#sweepDatabase, ...parameters);
  }

  presenceDifferences(...parameters: Rest<typeof presenceDifferences>): Promise<PresenceDifference[]> {
    return presenceDifferences(this.#sweepDatabase, ...parameters);
  }

  /** Sets a slot aside that could not be given back, so that the next queries leave it out for a while. */
  setSlotAside(sessionId: string, personId: string, error: unknown, now: number): Promise<void> {
    return new SetAside(this.#sweepDatabase, () => now).add('lost-slot', `${sessionId}:${personId}`, error);
  }

  silentParticipants(...parameters: Rest<typeof silentParticipants>): ReturnType<typeof silentParticipants> {
    return silentParticipants(this.#sweepDatabase, ...parameters);
  }
}

/** The parameters of a query, without its database. */
type Rest<Query> = Query extends (database: Queryable, ...rest: infer R) => unknown ? R : never;
