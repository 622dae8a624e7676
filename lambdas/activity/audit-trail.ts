import type { ActivityItem } from '../../protocol/entities.ts';
import type { ActivityReader } from './activity-reader.ts';
import type { ActivityReports, ActivityStatistics, UserActivity } from './activity-reports.ts';
import type { ChainVerification, ChainVerifier } from './chain-verifier.ts';

/** A summary of a session. Times are Unix milliseconds. */
export interface SessionSummary {
  sessionId: string;
  totalActivities: number;
  uniqueUsers: number;
  firstActivityAt: number | null;
  lastActivityAt: number | null;
  /** From the first entry to the last, milliseconds. */
  durationMillis: number;
  mostActiveUser: UserActivity | null;
  /** The most frequent types, at most five. */
  topTypes: { type: string; count: number }[];
}

/** The audit trail of a session with its summary and its verification. */
export interface AuditTrail {
  sessionId: string;
  generatedAt: number;
  summary: SessionSummary;
  /** The result of verifying the hash chain. */
  verification: ChainVerification;
  /** Oldest first. */
  entries: ActivityItem[];
  /** False if there are more entries than the limit; an export contains all. */
  complete: boolean;
}

const topTypes = 5;
const defaultEntries = 10_000;

export function makeSessionSummary(statistics: ActivityStatistics): SessionSummary {
  const { sessionId, totalActivities, uniqueUsers, firstActivityAt, lastActivityAt, byType, byUser } = statistics;
  return {
    ...{ sessionId, totalActivities, uniqueUsers, firstActivityAt, lastActivityAt },
    durationMillis: (lastActivityAt ?? 0) - (firstActivityAt ?? 0),
    mostActiveUser: byUser[0] ?? null,
    topTypes: Object.entries(byType)
      .map(([type, count]) => ({ type, count }))
      .sort((a, b) => b.count - a.count)
      .slice(0, topTypes),
  };
}

export async function makeAuditTrail(
  sources: { reader: ActivityReader; reports: ActivityReports; verifier: ChainVerifier },
  sessionId: string,
  now: number,
  maxEntries = defaultEntries,
): Promise<AuditTrail> {
  const [statistics, verification, read] = await Promise.all([
    sources.reports.statistics(sessionId),
    sources.verifier.verify(sessionId),
    firstEntries(sources.reader, sessionId, maxEntries),
  ]);
  return { sessionId, generatedAt: now, summary: makeSessionSummary(statistics), verification, ...read };
}

async function firstEntries(reader: ActivityReader, sessionId: string, maximum: number) {
  const entries: ActivityItem[] = [];
  for await (const page of reader.pages(sessionId, {})) {
    entries.push(...page);
    if (entries.length > maximum) return { entries: entries.slice(0, maximum), complete: false };
  }
  return { entries, complete: true };
}
