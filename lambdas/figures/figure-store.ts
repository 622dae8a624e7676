import type { Pool } from 'pg';
import type { SessionStatus } from '../../protocol/entities.ts';
import type { LiveSession } from '../../protocol/figures.ts';
import { removeOld } from '../platform/remove-old.ts';
import { applyApart } from '../platform/row-fault.ts';
import { SetAside } from '../platform/set-aside.ts';
import type { Counters, FigureRow, Found } from './figure-rows.ts';
import * as sql from './figures-sql.ts';

/** A session since the last write. `people` is undefined if it was metered and not visited. */
export interface SessionFigures {
  sessionId: string;
  people: number | undefined;
  online: number | undefined;
  /** What its messages cost, in dollars. */
  dollars: number;
}

export interface LiveQuery {
  by: 'people' | 'dollars';
  search?: string | undefined;
  limit: number;
  /** The last row of the page before. */
  after?: { value: number; sessionId: string } | undefined;
}

/** The figures of the dashboard in PostgreSQL. Times are Unix milliseconds. */
export class FigureStore {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  /** A session that cannot be written is set aside, and the others are written. */
  async writeSessions(sessions: readonly SessionFigures[], now: number): Promise<void> {
    const setAside = ({ sessionId }: SessionFigures, error: unknown) =>
      new SetAside(this.#database, () => now).add('live-session', sessionId, error);
    await applyApart(sessions, (some) => this.#writeSessions(some, now), setAside);
  }

  async #writeSessions(sessions: readonly SessionFigures[], now: number): Promise<[]> {
    await this.#database.query({
      name: 'figures-sessions',
      text: sql.writeSessions,
      values: [
        sessions.map(({ sessionId }) => sessionId),
        sessions.map(({ people }) => people ?? null),
        sessions.map(({ online }) => online ?? null),
        sessions.map(({ dollars }) => dollars),
        now,
      ],
    });
    return [];
  }

  /** Adds to what all sweeps counted in a slot. */
  async addCounters(slot: number, counters: Counters): Promise<void> {
    const { visits, failedVisits, redisMillis, timeouts, received, posted, fanOut, sweepLag } = counters;
    const values = [slot, visits, failedVisits, redisMillis, timeouts, received, posted, fanOut, sweepLag];
    await this.#database.query({ name: 'figures-counters', text: sql.addCounters, values });
  }

  async writeFound(slot: number, found: Found): Promise<void> {
    await this.#database.query({ name: 'figures-found', text: sql.writeFound, values: [slot, JSON.stringify(found)] });
  }

  /** How many people and sessions are present now. */
  async present(now: number): Promise<Pick<Found, 'activeSessions' | 'activeUsers' | 'online'>> {
    const [row] = await this.#rows<Pick<Found, 'activeSessions' | 'activeUsers' | 'online'>>(sql.presentNow, [now]);
    return row!;
  }

  /** Joins and leaves of people from `from` until before `to`. */
  async movements(from: number, to: number): Promise<Pick<Found, 'joins' | 'leaves'>> {
    const rows = await this.#rows<{ cause: string; count: number }>(sql.movements, [from, to]);
    const counts = Object.fromEntries(rows.map(({ cause, count }) => [cause, count]));
    const { '': joins = 0, ...leaves } = counts;
    return { joins, leaves };
  }

  /** The last slot before `slot` at whose end a sweep led; undefined if there is none within two days. */
  async lastFound(slot: number): Promise<number | undefined> {
    return (await this.#rows<{ at: number }>(sql.lastFound, [slot]))[0]?.at;
  }

  async sessionsByStatus(): Promise<Record<SessionStatus, number>> {
    const rows = await this.#rows<{ status: SessionStatus; count: number }>(sql.sessionsByStatus, []);
    const none: Record<SessionStatus, number> = { active: 0, completed: 0, failed: 0, expired: 0 };
    return { ...none, ...Object.fromEntries(rows.map(({ status, count }) => [status, count])) };
  }

  /** Deletes live sessions that no visit renews, and figures that are two days old. */
  async forgetOld(now: number): Promise<void> {
    for (const rows of sql.oldFigures) await removeOld(this.#database, () => now, { ...rows, values: [now] });
  }

  /** The rows from `from` until before `to`, oldest first. */
  rows(from: number, to: number): Promise<FigureRow[]> {
    return this.#rows(sql.rows, [from, to]);
  }

  /** One page of the sessions in which somebody is present, the largest first. */
  liveSessions({ by, search, limit, after }: LiveQuery, now: number): Promise<LiveSession[]> {
    const values = [after?.value ?? null, after?.sessionId ?? null, search ?? null, limit, now];
    return this.#rows(sql.liveSessions(by === 'people' ? 'people' : 'dollars_per_hour'), values);
  }

  /** Undefined if nobody is present in the session, or if no sweep visited it in the last two minutes. */
  async liveSession(
    sessionId: string,
    now: number,
  ): Promise<Pick<LiveSession, 'people' | 'online' | 'dollarsPerHour'> | undefined> {
    return (await this.#rows<LiveSession>(sql.oneLiveSession, [sessionId, now]))[0];
  }

  async #rows<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.#database.query<Row>(text, values)).rows;
  }
}
