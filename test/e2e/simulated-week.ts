import { randomUUID } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import { sessionExpired, userJoined, userLeft, userTimedOut } from '../../lambdas/activity/activity-events.ts';
import type { Role, Stay } from '../../protocol/entities.ts';
import type { SeededRandom } from '../harness/seeded-random.ts';

const hourMillis = 3_600_000;
const weekMillis = 7 * 24 * hourMillis;
const roles: Role[] = ['viewer', 'commenter', 'operator'];

/** A week of a session: what is true, and what the audit trail says about it. */
export interface SimulatedWeek {
  from: number;
  to: number;
  /** All stays of all people. */
  stays: Stay[];
  /** When something happened. */
  times: number[];
  entries: ActivityParams[];
}

/** Random stays of twelve people. The session expires twice and is recovered each time. */
export function simulateWeek(random: SeededRandom, sessionId: string, from: number): SimulatedWeek {
  const ends = [from + 2 * 24 * hourMillis + random.below(hourMillis), from + 5 * 24 * hourMillis];
  const week: SimulatedWeek = { from, to: from + weekMillis, stays: [], times: [...ends], entries: [] };
  for (const at of ends) week.entries.push({ ...sessionExpired(sessionId, 60, 3), at, activityId: randomUUID() });
  for (let n = 0; n < 12; n += 1) {
    const userId = uuidv5(`person ${n}`, sessionId);
    let at = from + random.below(10 * hourMillis);
    // Every fifth stay begins at a full hour, so that people move at the same millisecond.
    const tidy = (time: number) => (random.chance(0.2) ? Math.ceil(time / hourMillis) * hourMillis : time);
    for (at = tidy(at); at < week.to; at = tidy(at + 1 + random.below(9 * hourMillis))) {
      at = addStay(random, week, ends, { sessionId, userId, username: `Person ${n}`, at });
    }
  }
  return week;
}

interface Arriving {
  sessionId: string;
  userId: string;
  username: string;
  at: number;
}

/** @returns when the stay ended; the end of the week if it did not. */
function addStay(random: SeededRandom, week: SimulatedWeek, ends: number[], arriving: Arriving): number {
  const { at: joinedAt, ...actor } = arriving;
  const role = roles[random.below(3)]!;
  const end = ends.find((time) => time > joinedAt);
  const wanted = joinedAt + 1 + random.below(4 * hourMillis);
  const isEnded = end !== undefined && end <= wanted;
  const leftAt = isEnded ? end : wanted;
  const timedOut = random.chance(0.3);
  const entry = (params: ActivityParams, at: number) =>
    week.entries.push({ ...params, at, username: arriving.username, activityId: randomUUID() });
  // A join at the very moment of an end comes before that end: nobody sees it.
  if (ends.includes(joinedAt)) return joinedAt;
  entry(userJoined(actor, role), joinedAt);
  week.times.push(joinedAt);
  const stay = { userId: actor.userId, username: arriving.username, role, joinedAt };
  if (!isEnded && leftAt >= week.to) {
    week.stays.push({ ...stay, leftAt: null, cause: null });
    return week.to;
  }
  week.times.push(leftAt);
  // Where the session ends, some people have an entry of their own, and others only the end.
  const hasOwnEntry = !isEnded || random.chance(0.5);
  const cause = hasOwnEntry ? (timedOut ? 'timeout' : 'left') : 'session_expired';
  if (hasOwnEntry) entry(timedOut ? userTimedOut(actor, 1) : userLeft(actor, 'left', 1), leftAt);
  week.stays.push({ ...stay, leftAt, cause });
  return leftAt;
}

/** Who is present at a time, in the order of the joins. */
export function presentAt({ stays }: SimulatedWeek, at: number): Stay[] {
  return stays
    .filter(({ joinedAt, leftAt }) => joinedAt <= at && at < (leftAt ?? Number.POSITIVE_INFINITY))
    .sort((one, other) => one.joinedAt - other.joinedAt || (one.userId < other.userId ? -1 : 1));
}

/** What the attendance of a period must say, by user. */
export function attendanceIn({ stays }: SimulatedWeek, from: number, to: number) {
  const within = stays
    .filter(({ joinedAt, leftAt }) => joinedAt <= to && (joinedAt >= from || (leftAt ?? to) > from))
    .map((stay) => ({ ...stay, since: Math.max(from, stay.joinedAt), until: Math.min(to, stay.leftAt ?? to) }));
  return [...Map.groupBy(within, ({ userId }) => userId)]
    .map(([userId, own]) => {
      const ordered = own.sort((one, other) => one.joinedAt - other.joinedAt);
      const last = ordered.at(-1)!;
      return {
        ...{ userId, username: last.username, stays: own.length },
        firstSeenAt: ordered[0]!.since,
        lastSeenAt: last.until,
        totalMillis: own.reduce((sum, { since, until }) => sum + until - since, 0),
        isPresent: last.leftAt === null || last.leftAt > to,
      };
    })
    .sort((one, other) => one.firstSeenAt - other.firstSeenAt || (one.userId < other.userId ? -1 : 1));
}
