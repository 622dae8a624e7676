import type { ServiceFigures } from '../../protocol/figures.ts';

/** What sweeps counted in a slot. */
export interface Counters {
  visits: number;
  failedVisits: number;
  /** The time of all visits in Redis, milliseconds. */
  redisMillis: number;
  timeouts: number;
  received: number;
  posted: number;
  fanOut: number;
  /** By how many milliseconds the latest visit was late. */
  sweepLag: number;
}

/** What the leading sweep found at the end of a slot. */
export type Found = Pick<
  ServiceFigures,
  | 'activeUsers'
  | 'activeSessions'
  | 'redisConnections'
  | 'online'
  | 'joins'
  | 'leaves'
  | 'dollarsPerHour'
  | 'restraint'
  | 'sweeps'
  | 'outboxDepth'
  | 'sessions'
  | 'cleanup'
>;

export interface FigureRow extends Counters {
  at: number;
  /** Null if no sweep led at the end of the slot. */
  found: Found | null;
}

const nothing: Found = {
  ...{ activeUsers: 0, activeSessions: 0, online: 0, joins: 0, leaves: {}, dollarsPerHour: 0, restraint: 1 },
  ...{ sweeps: 0, redisConnections: null, outboxDepth: null, sessions: null, cleanup: null },
};

/**
 * The figures of a period from its rows, oldest first. Counts are sums. What is a state at a moment is the last one of the period;
 * `sweepLag` is the longest.
 */
export function figuresOf(at: number, seconds: number, rows: readonly FigureRow[]): ServiceFigures {
  const sum = (name: keyof Counters) => rows.reduce((total, row) => total + row[name], 0);
  const found = rows.flatMap((row) => row.found ?? []);
  const last = found.at(-1) ?? nothing;
  const lastKnown = <K extends keyof Found>(name: K): Found[K] =>
    found.findLast((each) => each[name] !== null)?.[name] ?? nothing[name];
  const leaves: Record<string, number> = {};
  for (const each of found) {
    for (const [cause, count] of Object.entries(each.leaves)) leaves[cause] = (leaves[cause] ?? 0) + count;
  }
  const [visits, failed, fanOut, posted] = [sum('visits'), sum('failedVisits'), sum('fanOut'), sum('posted')];
  return {
    ...{ at, seconds, activeUsers: last.activeUsers, activeSessions: last.activeSessions },
    averageLatency: visits > 0 ? sum('redisMillis') / visits : null,
    heartbeatsMissed: sum('timeouts'),
    redisConnections: lastKnown('redisConnections'),
    errorRate: visits + failed > 0 ? (100 * failed) / (visits + failed) : null,
    ...{ online: last.online, away: last.activeUsers - last.online },
    joins: found.reduce((total, each) => total + each.joins, 0),
    leaves,
    ...{ received: sum('received'), posted },
    savedShare: fanOut > 0 ? 100 * Math.max(0, 1 - posted / fanOut) : null,
    ...{ dollarsPerHour: last.dollarsPerHour, restraint: last.restraint },
    sweepLag: Math.max(0, ...rows.map((row) => row.sweepLag)),
    sweeps: last.sweeps,
    outboxDepth: lastKnown('outboxDepth'),
    ...{ sessions: lastKnown('sessions'), cleanup: lastKnown('cleanup') },
  };
}

/** The figures of equal steps. Steps without rows are left out. */
export function seriesOf(rows: readonly FigureRow[], stepSeconds: number): ServiceFigures[] {
  const millis = stepSeconds * 1000;
  const steps = Map.groupBy(rows, ({ at }) => Math.floor(at / millis) * millis);
  return [...steps].map(([at, some]) => figuresOf(at, stepSeconds, some));
}
