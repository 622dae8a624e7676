import type { SessionStatus } from './entities.ts';

/** How often the service takes its figures. */
export const figuresSeconds = 10;
/** A connection that asked for figures receives them for this long, unless it asks again. */
export const watchSeconds = 60;

/** Figures over the whole service in a period of `seconds` that began at `at` (Unix milliseconds). Null: not known. */
export interface ServiceFigures {
  at: number;
  seconds: number;
  /** People who are present. A person who is in two sessions counts twice. */
  activeUsers: number;
  /** Sessions in which somebody is present. */
  activeSessions: number;
  /** The mean time in which Redis ran the script of a visit, as a sweep saw it, in milliseconds. */
  averageLatency: number | null;
  /** People who timed out because their heartbeats were missing. */
  heartbeatsMissed: number;
  /** Connections to Redis. */
  redisConnections: number | null;
  /** Visits of the sweep that failed, in percent. */
  errorRate: number | null;
  /** Of `activeUsers`: people who are online, and all others (away or invisible). */
  online: number;
  away: number;
  joins: number;
  /** How many people left, by cause. */
  leaves: Record<string, number>;
  /** Messages of clients, and posts and answers to them, in billed messages. */
  received: number;
  posted: number;
  /** How much was saved of the posts of plain fan-out, in percent. Plain fan-out posts each message to each other user. */
  savedShare: number | null;
  /** What messages cost in an hour at the present rate. */
  dollarsPerHour: number;
  /** By which factor posts are rarer now; 1 within the bound of the bill. */
  restraint: number;
  /** By how many milliseconds the latest visit of a sweep was late. */
  sweepLag: number;
  /** How many sweeps run. */
  sweeps: number;
  /** Acknowledged activities that wait for PostgreSQL. */
  outboxDepth: number | null;
  /** Sessions by status, and those with and without recent activity. They are counted once a minute. */
  sessions: Record<SessionStatus, number> | null;
  cleanup: {
    totalSessions: number;
    activeSessions: number;
    inactiveSessions: number;
    sessionsWithRecentActivity: number;
  } | null;
}

/** A session in which somebody is present. */
export interface LiveSession {
  sessionId: string;
  name: string;
  key: string | null;
  title: string | null;
  ownerName: string | null;
  startedAt: number;
  people: number;
  online: number;
  dollarsPerHour: number;
}
