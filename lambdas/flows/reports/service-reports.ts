import { RollcallError } from '../../../protocol/errors.ts';
import { figuresSeconds, type LiveSession, type ServiceFigures } from '../../../protocol/figures.ts';
import { seriesOf } from '../../figures/figure-rows.ts';
import { decodeLiveCursor, encodeLiveCursor } from '../../figures/live-cursor.ts';
import { logFailure } from '../../platform/log-failure.ts';
import type { Services } from '../../services/services.ts';

const hourMillis = 3_600_000;
const mostMillis = 24 * hourMillis;
/** The most steps of one answer. */
const mostSteps = 360;

/** Figures of a period in equal steps, for plots. */
export interface FigureSeries {
  from: number;
  to: number;
  stepSeconds: number;
  items: ServiceFigures[];
}

/**
 * Figures of a period of at most a day, by default the last hour. Steps in which no sweep ran are left out.
 *
 * @throws RollcallError INVALID_MESSAGE for a period that is too long, or ends before it begins.
 */
export async function figureSeries(
  services: Services,
  { from, to }: { from?: number | undefined; to?: number | undefined },
): Promise<FigureSeries> {
  const end = to ?? services.clock();
  const begin = from ?? end - hourMillis;
  if (begin >= end || end - begin > mostMillis) {
    throw new RollcallError('INVALID_MESSAGE', 'The figures cover a period of at most a day; ask for a shorter one.');
  }
  const stepSeconds = Math.ceil((end - begin) / 1000 / mostSteps / figuresSeconds) * figuresSeconds;
  const items = seriesOf(await services.figures.rows(begin, end), stepSeconds);
  return { from: begin, to: end, stepSeconds, items };
}

/** The list has the sessions that were visited within this time. */
const currentMillis = 120_000;

/** Whether a sweep finished a round within this time. While Redis is away none does, and the list may lack sessions. */
async function isListCurrent({ deadlines, log }: Services, now: number): Promise<boolean> {
  try {
    const last = await deadlines.lastRound();
    return last !== undefined && last > now - currentMillis;
  } catch (error) {
    logFailure(log, 'It is not known whether the list of live sessions is current', error);
    return false;
  }
}

/** One page of the sessions in which somebody is present, those with the most people or the highest cost first, and whether it is current. */
export async function liveSessionPage(
  services: Services,
  {
    by,
    search,
    limit,
    before,
  }: { by: 'people' | 'dollars'; search?: string | undefined; limit: number; before?: string | undefined },
): Promise<{ items: LiveSession[]; next?: string; isCurrent: boolean }> {
  const list = `${by} ${search ?? ''}`;
  const after = before === undefined ? undefined : decodeLiveCursor(list, before);
  const now = services.clock();
  const [found, isCurrent] = await Promise.all([
    services.figures.liveSessions({ by, search, limit: limit + 1, after }, now),
    isListCurrent(services, now),
  ]);
  const items = found.slice(0, limit);
  const last = items.at(-1);
  if (found.length <= limit || !last) return { items, isCurrent };
  const value = by === 'people' ? last.people : last.dollarsPerHour;
  return { items, next: encodeLiveCursor(list, { value, sessionId: last.sessionId }), isCurrent };
}

/**
 * One session for an operator: its row, who takes part, how many people are present, its activity by type, and who was here at `at`.
 *
 * @throws RollcallError SESSION_NOT_FOUND for an unknown or purged session.
 */
export async function liveSessionReport(services: Services, sessionRef: string, at: number | undefined) {
  const session = await services.sessions.getSession(sessionRef);
  const [live, participants, statistics, stays] = await Promise.all([
    services.figures.liveSession(session.id, services.clock()),
    services.sessions.getParticipants(session.id),
    services.activityReports.getActivityStatistics(session.id),
    at === undefined ? undefined : services.activityReports.whoWasHere(session.id, at),
  ]);
  return { session, live: live ?? null, participants, statistics, ...(stays ? { at, stays } : {}) };
}
