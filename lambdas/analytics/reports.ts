import type { Pool } from 'pg';
import { RollcallError } from '../../protocol/errors.ts';
import * as sql from './report-sql.ts';
import { decodeSessionCursor, encodeSessionCursor } from './session-cursor.ts';
import { lengthClasses } from './tally.ts';

export type Step = 'hour' | 'day';

/** A period of whole days or hours (UTC), Unix milliseconds. `to` is excluded. */
export interface Period {
  from: number;
  to: number;
}

export interface Usage {
  /** The beginning of the hour or day, Unix milliseconds. */
  at: number;
  entries: number;
  joins: number;
  leaves: number;
  /** The most people who were present at the end of a minute. A person who is in two sessions counts twice. */
  peakPeople: number;
  sessionsCreated: number;
  sessionsEnded: number;
  /** Joins of agents, which are in no other figure about people. */
  agentJoins: number;
}

export interface People {
  at: number;
  /** People with an entry in the audit trail on that day. */
  people: number;
  /** Those of them who have an entry on an earlier day, at most `ACTIVITY_RETENTION_DAYS` before. */
  returning: number;
  firstTime: number;
}

export interface Leaves {
  at: number;
  cause: string;
  count: number;
}

export interface Activities {
  /** Null: all types beyond the first 200 of each day. */
  activityType: string | null;
  count: number;
}

export interface Lengths {
  /** How long people stay in a session, or how long sessions last. */
  of: 'stay' | 'session';
  fromSeconds: number;
  /** Excluded; null: without an end. */
  toSeconds: number | null;
  count: number;
}

export interface LengthReport {
  items: Lengths[];
  meanStaySeconds: number | null;
  meanSessionSeconds: number | null;
}

export interface BusySession {
  day: string;
  sessionId: string;
  /** Name and key; null once the session was purged. */
  name: string | null;
  key: string | null;
  entries: number;
  joins: number;
}

export interface BusyQuery {
  by: 'entries' | 'joins';
  limit: number;
  /** The `next` of the page before. */
  before?: string | undefined;
}

const stepMillis: Record<Step, number> = { hour: 3_600_000, day: 86_400_000 };
/** The most steps of one answer: 92 days of hours, or six years of days. */
export const mostSteps = 2208;
const mostTypes = 1000;

/**
 * The whole steps that a period covers.
 *
 * @throws RollcallError INVALID_MESSAGE if it ends before it begins, or has too many steps.
 */
export function wholePeriod({ from, to }: Period, step: Step): Period {
  const millis = stepMillis[step];
  const period = { from: Math.floor(from / millis) * millis, to: Math.ceil(to / millis) * millis };
  if (to < from || period.to === period.from)
    throw new RollcallError('INVALID_MESSAGE', 'The period must end after it begins.');
  if ((period.to - period.from) / millis <= mostSteps) return period;
  throw new RollcallError('INVALID_MESSAGE', `A period has at most ${mostSteps} ${step}s; ask for a shorter one.`);
}

/** Reads what `AnalyticsRollup` counted. Every query takes a period of `wholePeriod`. Its cost does not depend on the number of entries. */
export class AnalyticsReports {
  readonly #database: Pick<Pool, 'query'>;

  constructor(database: Pick<Pool, 'query'>) {
    this.#database = database;
  }

  /** Up to when all entries are counted, Unix milliseconds; null if they never were. */
  async countedUntil(): Promise<number | null> {
    const text = `SELECT (extract(epoch FROM counted_at) * 1000)::float8 AS at FROM analytics_progress`;
    const [row] = await this.#rows<{ at: number | null }>(text, []);
    return row?.at ?? null;
  }

  usage(period: Period, step: Step): Promise<Usage[]> {
    return this.#rows(sql.usage, [period.from, period.to, stepMillis[step] / 1000]);
  }

  people({ from, to }: Period): Promise<People[]> {
    return this.#rows(sql.people, [from, to]);
  }

  /** How many people left, by step and cause. Steps without leaves are left out. */
  leaves(period: Period, step: Step): Promise<Leaves[]> {
    return this.#rows(sql.leaves, [period.from, period.to, stepMillis[step] / 1000]);
  }

  /** How many entries there are of each type, the most frequent first. */
  async activities({ from, to }: Period): Promise<Activities[]> {
    const rows = await this.#rows<Activities>(sql.activities, [from, to, mostTypes]);
    return rows.map((row) => ({ ...row, activityType: row.activityType || null }));
  }

  /** How many stays and sessions ended in the period, by their lengths. */
  async lengths({ from, to }: Period): Promise<LengthReport> {
    const rows = await this.#rows<{ figure: string; label: string; count: number }>(sql.lengths, [from, to]);
    const counts = new Map(rows.map(({ figure, label, count }) => [`${figure} ${label}`, count]));
    const classes = lengthClasses.map((fromSeconds, n) => ({ fromSeconds, toSeconds: lengthClasses[n + 1] ?? null }));
    const items = (['stay', 'session'] as const).flatMap((of) =>
      classes.map((each) => ({ of, ...each, count: counts.get(`${of} ${each.fromSeconds}`) ?? 0 })),
    );
    const mean = (kind: Lengths['of']) => {
      const many = items.reduce((sum, { of, count }) => sum + (of === kind ? count : 0), 0);
      return many === 0 ? null : (counts.get(`${kind}-seconds `) ?? 0) / many;
    };
    return { items, meanStaySeconds: mean('stay'), meanSessionSeconds: mean('session') };
  }

  /**
   * One page of the busiest sessions, the busiest first.
   *
   * @throws RollcallError INVALID_MESSAGE for an invalid cursor.
   */
  async sessions(
    { from, to }: Period,
    { by, limit, before }: BusyQuery,
  ): Promise<{ items: BusySession[]; next?: string }> {
    const list = `${by} ${from} ${to}`;
    const position = before === undefined ? undefined : decodeSessionCursor(list, before);
    const values = [from, to, position?.count ?? null, position?.day ?? null, position?.sessionId ?? null, limit + 1];
    const rows = await this.#rows<BusySession>(sql.sessions(by), values);
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    if (rows.length <= limit || !last) return { items };
    return { items, next: encodeSessionCursor(list, { ...last, count: last[by] }) };
  }

  async #rows<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    return (await this.#database.query<Row>(text, values)).rows;
  }
}
