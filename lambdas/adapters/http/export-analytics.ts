import { type AnalyticsReports, type Period, type Step, wholePeriod } from '../../analytics/reports.ts';
import { requireAdmin } from '../../flows/callers/require-admin.ts';
import { csvPage } from '../../platform/csv.ts';
import type { Services } from '../../services/services.ts';
import type { HttpAnswer } from './http-adapter.ts';
import { querySchemas, readQuery } from './http-query.ts';
import type { HttpRequest } from './http-route.ts';
import { nextHeaders } from './next-headers.ts';

type Asked = ReturnType<typeof readQuery<typeof querySchemas.analytics>>;

interface Report {
  items: object[];
  next?: string;
  [more: string]: unknown;
}

interface ReportKind {
  /** The columns of CSV. A time is a column `at`. */
  columns: readonly string[];
  /** The only step of its period; absent: the request chooses. */
  step?: Step;
  read(analytics: AnalyticsReports, period: Period, asked: Asked): Promise<Report>;
}

const dayMillis = 86_400_000;
/** How long the period is if the request has none. */
const usualMillis: Record<Step, number> = { hour: 2 * dayMillis, day: 30 * dayMillis };
const defaultItems = 100;

const reports = {
  usage: {
    columns: ['at', 'entries', 'joins', 'leaves', 'peakPeople', 'sessionsCreated', 'sessionsEnded', 'agentJoins'],
    read: async (analytics, period, { step }) => ({ items: await analytics.usage(period, step) }),
  },
  people: {
    columns: ['at', 'people', 'returning', 'firstTime'],
    step: 'day',
    read: async (analytics, period) => ({ items: await analytics.people(period) }),
  },
  leaves: {
    columns: ['at', 'cause', 'count'],
    read: async (analytics, period, { step }) => ({ items: await analytics.leaves(period, step) }),
  },
  activities: {
    columns: ['activityType', 'count'],
    step: 'day',
    read: async (analytics, period) => ({ items: await analytics.activities(period) }),
  },
  lengths: {
    columns: ['of', 'fromSeconds', 'toSeconds', 'count'],
    read: async (analytics, period) => ({ ...(await analytics.lengths(period)) }),
  },
  sessions: {
    columns: ['day', 'sessionId', 'name', 'key', 'entries', 'joins'],
    step: 'day',
    read: (analytics, period, { by, limit = defaultItems, before }) =>
      analytics.sessions(period, { by, limit, before }).then((page) => ({ ...page })),
  },
} satisfies Record<string, ReportKind>;

export type AnalyticsReport = keyof typeof reports;

/**
 * One report about all sessions, as JSON or CSV. Without `to`, the period ends now, and the next page has the same period. Only
 * the first page of CSV has the names of the columns, so that pages can be concatenated.
 *
 * @throws RollcallError PERMISSION_DENIED without the admin scope, INVALID_MESSAGE for a wrong query.
 */
export async function exportAnalytics(
  services: Services,
  name: AnalyticsReport,
  { query, scopes }: Pick<HttpRequest, 'query' | 'scopes'>,
): Promise<HttpAnswer> {
  requireAdmin(scopes);
  const asked = readQuery(querySchemas.analytics, query);
  const kind: ReportKind = reports[name];
  const step = kind.step ?? asked.step;
  const to = asked.to ?? services.clock();
  const period = wholePeriod({ from: asked.from ?? Math.max(0, to - usualMillis[step]), to }, step);
  const [report, countedUntil] = await Promise.all([
    kind.read(services.analytics, period, { ...asked, step }),
    services.analytics.countedUntil(),
  ]);
  const bounds = { from: String(period.from), to: String(period.to) };
  const next = nextHeaders(`/analytics/${name}`, { ...query, ...bounds }, report.next);
  if (asked.format === 'json') return { headers: next, body: { ...period, countedUntil, ...report } };
  const isFirst = asked.before === undefined;
  return {
    headers: { 'content-type': 'text/csv; charset=utf-8', ...next },
    body: csvPage(report.items.map(readableTime), kind.columns, { header: isFirst, bom: isFirst && asked.bom }),
  };
}

/** Times of CSV are ISO 8601 in UTC. */
function readableTime(item: object): object {
  return 'at' in item ? { ...item, at: new Date(item.at as number).toISOString() } : item;
}
