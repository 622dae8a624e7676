import { randomUUID } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import {
  actionTaken,
  commentAdded,
  sessionExpired,
  userJoined,
  userLeft,
  userTimedOut,
} from '../../lambdas/activity/activity-events.ts';
import type { LeaveCause, Role, Stay } from '../../protocol/entities.ts';

const hourMillis = 3_600_000;
export const weekMillis = 7 * 24 * hourMillis;
const roles: Role[] = ['viewer', 'commenter', 'operator'];
const causes: LeaveCause[] = ['left', 'left', 'disconnected'];

/** The random numbers of a simulation. */
export interface Chance {
  /** A whole number, at least 0 and below `end`. */
  below(end: number): number;
  chance(probability: number): boolean;
}

export interface WeekPerson {
  userId: string;
  username: string;
}

/** A week of a session: what is true, and what the audit trail says about it. */
export interface SimulatedWeek {
  from: number;
  to: number;
  /** All stays of all people. */
  stays: Stay[];
  /** When something happened. */
  times: number[];
  /** In no order. */
  entries: ActivityParams[];
}

export interface WeekOptions {
  sessionId: string;
  /** Its beginning, Unix milliseconds. */
  from: number;
  /** Who comes. Default: twelve people. */
  people?: readonly WeekPerson[];
  /** The longest time between two stays of a person. Default: nine hours. */
  pauseHours?: number;
  /** Which share of the people come in the last hours of the week and are still here at its end. Default: none. */
  lateShare?: number;
  /** How many entries there are. What people do during their stays fills them up. Default: no such activities. */
  entries?: number;
}

/** Random stays of some people. The session expires twice and is recovered each time. */
export function simulateWeek(random: Chance, options: WeekOptions): SimulatedWeek {
  const { sessionId, from, pauseHours = 9, lateShare = 0, entries = 0 } = options;
  const people = options.people ?? peopleOf(sessionId, 12);
  const ends = [from + 2 * 24 * hourMillis + random.below(hourMillis), from + 5 * 24 * hourMillis];
  const week: SimulatedWeek = { from, to: from + weekMillis, stays: [], times: [...ends], entries: [] };
  for (const at of ends) week.entries.push({ ...sessionExpired(sessionId, 60, 3), at, activityId: randomUUID() });
  for (const person of people) {
    let at = from + random.below((pauseHours + 1) * hourMillis);
    // Every fifth stay begins at a full hour, so that people move at the same millisecond.
    const tidy = (time: number) => (random.chance(0.2) ? Math.ceil(time / hourMillis) * hourMillis : time);
    for (at = tidy(at); at < week.to; at = tidy(at + 1 + random.below(pauseHours * hourMillis))) {
      at = addStay(random, week, ends, { sessionId, ...person, at });
    }
    const late = week.to - hourMillis - random.below(8 * hourMillis);
    const last = week.stays.findLast(({ userId }) => userId === person.userId)?.leftAt;
    if (last !== null && (last ?? 0) < late && random.chance(lateShare)) {
      addStay(random, week, ends, { sessionId, ...person, at: late }, weekMillis);
    }
  }
  while (week.stays.length > 0 && week.entries.length < entries) addActivity(random, week, sessionId);
  return week;
}

function peopleOf(sessionId: string, many: number): WeekPerson[] {
  return Array.from({ length: many }, (_, n) => ({
    userId: uuidv5(`person ${n}`, sessionId),
    username: `Person ${n}`,
  }));
}

interface Arriving extends WeekPerson {
  sessionId: string;
  at: number;
}

/** @param leastMillis how long the stay lasts at least. @returns when it ended; the end of the week if it did not. */
function addStay(random: Chance, week: SimulatedWeek, ends: number[], arriving: Arriving, leastMillis = 0): number {
  const { at: joinedAt, username, ...actor } = arriving;
  const role = roles[random.below(3)]!;
  const end = ends.find((time) => time > joinedAt);
  const wanted = joinedAt + 1 + leastMillis + random.below(4 * hourMillis);
  const isEnded = end !== undefined && end <= wanted;
  const leftAt = isEnded ? end : wanted;
  const own = random.chance(0.3) ? 'timeout' : causes[random.below(causes.length)]!;
  const entry = (params: ActivityParams, at: number) =>
    week.entries.push({ ...params, at, username, activityId: randomUUID() });
  // A join at the very moment of an end comes before that end: nobody sees it.
  if (ends.includes(joinedAt)) return joinedAt;
  entry(userJoined(actor, role), joinedAt);
  week.times.push(joinedAt);
  const stay = { userId: actor.userId, username, role, joinedAt };
  if (!isEnded && leftAt >= week.to) {
    week.stays.push({ ...stay, leftAt: null, cause: null });
    return week.to;
  }
  week.times.push(leftAt);
  // Where the session ends, some people have an entry of their own, and others only the end.
  const hasOwnEntry = !isEnded || random.chance(0.5);
  const cause = hasOwnEntry ? own : 'session_expired';
  const seconds = (leftAt - joinedAt) / 1000;
  if (hasOwnEntry) entry(own === 'timeout' ? userTimedOut(actor, seconds) : userLeft(actor, own, seconds), leftAt);
  week.stays.push({ ...stay, leftAt, cause });
  return leftAt;
}

/** Somebody does something during a stay. */
function addActivity(random: Chance, week: SimulatedWeek, sessionId: string): void {
  const { userId, username, joinedAt, leftAt } = week.stays[random.below(week.stays.length)]!;
  const actor = { sessionId, userId, username };
  const number = week.entries.length;
  const what = random.chance(0.3)
    ? commentAdded(actor, `c${number}`, 'Looks good to me.')
    : actionTaken(actor, ['card_moved', 'text_edited', 'shape_drawn'][random.below(3)]!, { card: `k${number}` });
  const at = joinedAt + random.below((leftAt ?? week.to) - joinedAt);
  week.entries.push({ ...what, at, activityId: randomUUID() });
}
