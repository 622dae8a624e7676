import { randomUUID } from 'node:crypto';
import { v5 as uuidv5 } from 'uuid';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import {
  guestSignedIn,
  sessionCreated,
  sessionEnded,
  sessionExpired,
  userJoined,
  userLeft,
  userTimedOut,
} from '../../lambdas/activity/activity-events.ts';
import type { LeaveCause } from '../../protocol/entities.ts';
import type { SeededRandom } from '../harness/seeded-random.ts';

const minuteMillis = 60_000;
const hourMillis = 60 * minuteMillis;
const dayMillis = 24 * hourMillis;
const weekMillis = 7 * dayMillis;
const causes: LeaveCause[] = ['left', 'disconnected', 'removed', 'session_ended'];
const agents = ['a', 'b'].map((name) => uuidv5(name, '0b9a2a1e-58a5-4c0e-9a53-0d9f0c9b6f12'));
const namespace = '0b9a2a1e-58a5-4c0e-9a53-0d9f0c9b6f11';

/** The entries of a week of several sessions, in the order of time. Some people come on several days, others once, and some come as guests first. */
export function randomWeek(random: SeededRandom, from: number, sizes = { sessions: 12, people: 25 }): ActivityParams[] {
  const entries: ActivityParams[] = [];
  const people = Array.from({ length: sizes.people }, (_, n) => uuidv5(`person ${n}`, namespace));
  for (let n = 0; n < sizes.sessions; n += 1) addSession(random, entries, people, from);
  return entries.sort((one, other) => one.at! - other.at!).map((entry) => ({ ...entry, activityId: randomUUID() }));
}

type Add = (params: ActivityParams, time: number) => void;

function addSession(random: SeededRandom, entries: ActivityParams[], people: string[], from: number): void {
  const sessionId = randomUUID();
  const at = from + random.below(weekMillis / 2);
  const end = at + random.one([30_000, hourMillis, 20 * hourMillis, 80 * hourMillis]) + random.below(hourMillis);
  const add: Add = (params, time) => {
    entries.push({ ...params, at: time });
  };
  add(sessionCreated({ sessionId, userId: random.one(people) }, 'op'), at);
  for (let stay = 0; stay < 5; stay += 1) {
    // Somebody who is an agent here would be a person elsewhere, if its movements did not say so.
    const [actor, joined] = [{ sessionId, userId: random.one(agents) }, at + random.below(end - at)];
    add(userJoined(actor, 'viewer', { onBehalfOf: random.one(people), keyId: 'key' }), joined);
    if (random.chance(0.9)) add(userLeft(actor, 'lease_ended', 60, { kind: 'agent' }), joined + minuteMillis);
  }
  for (let stay = 0; stay < 40; stay += 1) {
    const actor = { sessionId, userId: random.one(people) };
    // Some people move exactly when a minute begins.
    const joined = tidy(random, at + random.below(end - at));
    const left = tidy(random, joined + random.below(random.one([minuteMillis, 5 * hourMillis])));
    add(userJoined(actor, 'viewer'), joined);
    for (let n = random.below(4); n > 0; n -= 1) {
      // A user cannot pass for an agent by what they log.
      const details = random.chance(0.1) ? { kind: 'agent' } : {};
      const type = random.one(['comment_added', 'action_taken', 'zoom']);
      add({ ...actor, type, details }, joined + random.below(hourMillis));
    }
    const seconds = (left - joined) / 1000;
    // Somebody may still be present when the week is over.
    if (random.chance(0.05)) continue;
    add(random.chance(0.3) ? userTimedOut(actor, seconds) : userLeft(actor, random.one(causes), seconds), left);
  }
  for (let guest = 0; guest < 8; guest += 1) addGuest(random, { sessionId, people, at, end }, add);
  if (random.chance(0.4)) add(sessionEnded({ sessionId, userId: null }, 'completed'), end);
  else if (random.chance(0.6)) add(sessionExpired(sessionId, 1, 1), end);
}

interface Span {
  sessionId: string;
  people: string[];
  at: number;
  end: number;
}

/** A guest, who may sign in after hours or days. Then the user may have a stay of their own, which ends that of the guest. */
function addGuest(random: SeededRandom, { sessionId, people, at, end }: Span, add: Add): void {
  const guest = { sessionId, userId: uuidv5(`guest ${random.below(1e9)}`, namespace) };
  const user = { sessionId, userId: random.one(people) };
  const joined = tidy(random, at + random.below(end - at));
  const gone = joined + random.below(3 * dayMillis);
  add(userJoined(guest, 'viewer'), joined);
  for (let n = random.below(3); n > 0; n -= 1) add({ ...guest, type: 'zoom' }, joined + random.below(gone - joined));
  if (random.chance(0.4)) {
    add(userLeft(guest, 'left', (gone - joined) / 1000), gone);
    return;
  }
  const stayEnded = random.chance(0.5);
  if (stayEnded) add(userJoined(user, 'viewer'), joined + random.below(gone - joined));
  add(guestSignedIn(user, guest.userId, 'viewer', stayEnded), gone);
  const left = gone + random.below(2 * dayMillis);
  add(userLeft(user, 'left', (left - joined) / 1000), left);
}

function tidy(random: SeededRandom, time: number): number {
  return random.chance(0.2) ? Math.ceil(time / minuteMillis) * minuteMillis : time;
}
