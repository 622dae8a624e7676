import type { ServiceFigures } from '../../protocol/figures.ts';
import type { Unit } from '../data/format.ts';
import { type History, known } from '../data/history.ts';

/** One line of a plot. Null: not known in that period. */
export interface Line {
  label: string;
  of(figures: ServiceFigures): number | null;
}

/**
 * A figure with its plot. `moment`: a state at the end of each step, and the card shows the last one. `count`: a number of events in
 * each step, and the card shows the sum.
 */
export interface Card {
  id: string;
  title: string;
  /** The name of the metric in CloudWatch. */
  metric?: string;
  /** What it means, in one sentence. */
  about: string;
  unit: Unit;
  kind: 'moment' | 'count';
  /** The large figure. */
  main: Line;
  /** The words behind it, if they are not those of its unit. */
  word?: readonly [one: string, many: string];
  lines(history: History): readonly Line[];
}

export interface Section {
  title: string;
  cards: readonly Card[];
}

/** A figure that only a leading sweep knows. */
const led = (label: string, read: (figures: ServiceFigures) => number): Line => ({
  label,
  of: (figures) => known(figures, read),
});
const plain = (label: string, of: Line['of']): Line => ({ label, of });
const only = (line: Line) => ({ main: line, lines: () => [line] });
const those = (main: Line, ...others: Line[]) => ({ main, lines: () => [main, ...others] });

export const causeWords: Record<string, string> = {
  left: 'left',
  disconnected: 'disconnected',
  timeout: 'timed out',
  removed: 'removed',
  session_ended: 'session ended',
  session_expired: 'session expired',
  gone: 'connection lost',
  signed_in: 'signed in',
};

/** The cause of a leave in words. */
export const causeWord = (cause: string) => causeWords[cause] ?? cause.replaceAll('_', ' ');

const joins = led('joins', (figures) => figures.joins);

/** Joins, and one line for each cause of a leave in the period. */
function movements({ items }: History): Line[] {
  const causes = new Set(items.flatMap(({ leaves }) => Object.keys(leaves)));
  const leaves = [...causes]
    .sort()
    .map((cause) => led(`leaves: ${causeWord(cause)}`, (figures) => figures.leaves[cause] ?? 0));
  return [joins, ...(leaves.length > 0 ? leaves : [led('leaves', () => 0)])];
}

const people = led('people', (figures) => figures.activeUsers);
const latency = plain('mean', (figures) => figures.averageLatency);
const statuses = ['active', 'completed', 'expired', 'failed'] as const;
const ofStatus = (status: (typeof statuses)[number]) => plain(status, ({ sessions }) => sessions?.[status] ?? null);

/** All figures of the page, in its order. */
export const sections: readonly Section[] = [
  {
    title: 'People',
    cards: [
      {
        ...{ id: 'people', title: 'People present', metric: 'activeUsers', unit: 'people', kind: 'moment' },
        about: 'A person who is in two sessions counts twice. Away includes people who are invisible.',
        ...those(
          people,
          led('online', (figures) => figures.online),
          led('away', (figures) => figures.away),
        ),
      },
      {
        ...{
          id: 'sessions',
          title: 'Sessions with people',
          metric: 'activeSessions',
          unit: 'sessions',
          kind: 'moment',
        },
        about: 'Sessions with at least one person.',
        ...only(led('sessions', (figures) => figures.activeSessions)),
      },
      {
        ...{ id: 'movements', title: 'Joins and leaves', unit: 'people', kind: 'count', word: ['join', 'joins'] },
        about: 'Joins, and leaves by cause, from the audit trail.',
        ...{ main: joins, lines: movements },
      },
      {
        ...{ id: 'missed', title: 'Heartbeats missed', metric: 'heartbeatsMissed', unit: 'people', kind: 'count' },
        word: ['timeout', 'timeouts'],
        about: 'People who timed out because their heartbeats were missing.',
        ...only(plain('timed out', (figures) => figures.heartbeatsMissed)),
      },
    ],
  },
  {
    title: 'Health',
    cards: [
      {
        ...{ id: 'latency', title: 'Latency', metric: 'averageLatency', unit: 'milliseconds', kind: 'moment' },
        about: 'How long Redis takes to check one session, on average.',
        ...only(latency),
      },
      {
        ...{ id: 'errors', title: 'Error rate', metric: 'errorRate', unit: 'percent', kind: 'moment' },
        about: 'The share of the checks of sessions that failed.',
        ...only(plain('failed visits', (figures) => figures.errorRate)),
      },
      {
        ...{ id: 'lag', title: 'Sweep lag', unit: 'milliseconds', kind: 'moment' },
        about: 'How late the latest check of a session was.',
        ...only(plain('lag', ({ averageLatency, sweepLag }) => (averageLatency === null ? null : sweepLag))),
      },
      {
        ...{ id: 'sweeps', title: 'Sweeps', unit: 'sweeps', kind: 'moment' },
        about: 'Sweeps find people who timed out. None runs while nobody is present.',
        ...only(led('sweeps', (figures) => figures.sweeps)),
      },
      {
        ...{ id: 'outbox', title: 'Outbox depth', unit: 'entries', kind: 'moment' },
        about: 'Acknowledged audit entries that wait for PostgreSQL.',
        ...only(plain('entries', (figures) => figures.outboxDepth)),
      },
      {
        ...{ id: 'redis', title: 'Redis connections', metric: 'redisConnections', unit: 'connections', kind: 'moment' },
        about: 'Connections that Redis counts. A cluster counts those of one node.',
        ...only(plain('connections', (figures) => figures.redisConnections)),
      },
    ],
  },
  {
    title: 'Messages and cost',
    cards: [
      {
        ...{ id: 'cost', title: 'Cost of messages', unit: 'dollars', kind: 'moment' },
        about: 'What messages cost in an hour at the present rate.',
        ...only(led('dollars per hour', (figures) => figures.dollarsPerHour)),
      },
      {
        ...{ id: 'messages', title: 'Billed messages', unit: 'messages', kind: 'count' },
        about: 'Messages from and to clients, in the units that AWS bills.',
        ...those(
          plain('received and posted', ({ received, posted }) => received + posted),
          plain('received', (figures) => figures.received),
          plain('posted', (figures) => figures.posted),
        ),
      },
      {
        ...{ id: 'saved', title: 'Posts saved by merging', unit: 'percent', kind: 'moment' },
        about: 'The share of posts that merging saved.',
        ...only(plain('saved', (figures) => figures.savedShare)),
      },
      {
        ...{ id: 'restraint', title: 'Restraint of posts', unit: 'factor', kind: 'moment' },
        about: 'MAX_DOLLARS_PER_HOUR makes posts this many times rarer.',
        ...only(led('restraint', (figures) => figures.restraint)),
      },
    ],
  },
  {
    title: 'All sessions',
    cards: [
      {
        ...{ id: 'statuses', title: 'Sessions by status', unit: 'sessions', kind: 'moment' },
        about: 'All stored sessions, counted once a minute.',
        main: plain(
          'sessions',
          ({ sessions }) => sessions && statuses.reduce((sum, status) => sum + sessions[status], 0),
        ),
        lines: () => statuses.map(ofStatus),
      },
      {
        ...{ id: 'cleanup', title: 'Clean-up', unit: 'sessions', kind: 'moment' },
        about: 'Stored sessions, counted once a minute. Inactive ones have ended or expired.',
        ...those(
          plain('stored', ({ cleanup }) => cleanup?.totalSessions ?? null),
          plain('active', ({ cleanup }) => cleanup?.activeSessions ?? null),
          plain('inactive', ({ cleanup }) => cleanup?.inactiveSessions ?? null),
          plain('with recent activity', ({ cleanup }) => cleanup?.sessionsWithRecentActivity ?? null),
        ),
      },
    ],
  },
];
