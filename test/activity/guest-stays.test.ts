import { randomUUID } from 'node:crypto';
import { Trail } from '../../client/testing/trail.ts';
import { presentAt, staysOf, type TimelineStay } from '../../client/timeline/stays.ts';
import type { ActivityParams } from '../../lambdas/activity/activity-entry.ts';
import { guestSignedIn, sessionExpired, userJoined, userLeft } from '../../lambdas/activity/activity-events.ts';
import type { ActivityLogger } from '../../lambdas/activity/activity-logger.ts';
import type { ActivityItem, LeaveCause } from '../../protocol/entities.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { createLogger } from '../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

const seed = Number(process.env['GUEST_STAYS_SEED'] ?? 7);
const start = Date.UTC(2026, 5, 1, 10);
const minutes = 90;
const time = (minute: number) => start + 60_000 * minute;
const minuteOf = (at: number | null) => (at === null ? null : (at - start) / 60_000);
const causes: LeaveCause[] = ['left', 'disconnected', 'removed'];

let database: TestDatabase;
let logger: ActivityLogger;

beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
});
afterAll(() => database.drop());

/** A device of a person. A phone is a guest until it signs in; a laptop is signed in from the beginning. */
interface Device {
  guestId?: string;
  isGuest: boolean;
  isPresent: boolean;
  wasPresent: boolean;
  /** Whether it was present from each minute to the next one. */
  minutes: boolean[];
}

interface Someone {
  userId: string;
  devices: Device[];
  /** Why an id was not present any more from a minute on. */
  causes: Map<number, string>;
}

interface Plot {
  sessionId: string;
  people: Someone[];
  entries: ActivityParams[];
  identities: { guestId: string; userId: string; at: number }[];
  /** The same in the double of the service. */
  double: Trail;
}

/** What people do on their devices, and what the service writes of it. In a minute each person does one thing at most. */
function plotOf(random: SeededRandom, hasEnds: boolean): Plot {
  const sessionId = randomUUID();
  let now = 0;
  const double = new Trail(sessionId, () => time(now));
  const plot: Plot = { sessionId, people: [], entries: [], identities: [], double };
  const write = (entry: ActivityParams) => plot.entries.push({ ...entry, at: time(now), activityId: randomUUID() });
  const device = (guestId?: string): Device => ({
    ...{ guestId, isGuest: guestId !== undefined, isPresent: false, wasPresent: false, minutes: [] },
  });
  for (let n = 0; n < 3; n += 1) {
    const devices = [device(), device(randomUUID()), device(randomUUID())];
    plot.people.push({ userId: randomUUID(), devices, causes: new Map() });
  }
  const ids = (someone: Someone, one: Device) => (one.isGuest ? one.guestId! : someone.userId);
  const isPresent = (someone: Someone, id: string) =>
    someone.devices.some((each) => each.isPresent && ids(someone, each) === id);
  const come = (someone: Someone, one: Device) => {
    const userId = ids(someone, one);
    if (!isPresent(someone, userId)) {
      write(userJoined({ sessionId, userId }, 'viewer'));
      double.joined({ userId, username: userId, role: 'viewer' });
    }
    Object.assign(one, { isPresent: true, wasPresent: true });
  };
  const go = (someone: Someone, one: Device, cause: LeaveCause) => {
    one.isPresent = false;
    const userId = ids(someone, one);
    if (isPresent(someone, userId)) return;
    write(userLeft({ sessionId, userId }, cause, 60));
    double.left(userId, cause);
    someone.causes.set(now, cause);
  };
  const signIn = (someone: Someone, one: Device) => {
    const { userId } = someone;
    const stayEnded = one.isPresent && isPresent(someone, userId);
    write(guestSignedIn({ sessionId, userId }, one.guestId!, 'viewer', stayEnded));
    double.signedIn(one.guestId!, { userId, username: userId }, 'viewer', stayEnded);
    plot.identities.push({ guestId: one.guestId!, userId, at: time(now) });
    if (one.isPresent) one.isGuest = false;
    else {
      one.isGuest = false;
      come(someone, one);
    }
  };
  const expire = () => {
    write(sessionExpired(sessionId, 60, 1));
    for (const someone of plot.people) {
      const here = someone.devices.filter((one) => one.isPresent);
      // Some people have an entry of their own, and others only the end.
      if (here.length > 0) someone.causes.set(now, 'session_expired');
      if (random.chance(0.5)) for (const one of here) go(someone, one, 'left');
      for (const one of here) one.isPresent = false;
    }
  };
  for (now = 0; now < minutes; now += 1) {
    if (hasEnds && random.chance(0.03)) expire();
    else {
      for (const someone of plot.people.filter(() => random.chance(0.4))) {
        const one = someone.devices[random.below(3)]!;
        if (one.isGuest && one.wasPresent && random.chance(0.2)) signIn(someone, one);
        else if (one.isPresent) go(someone, one, causes[random.below(3)]!);
        else come(someone, one);
      }
    }
    for (const { devices } of plot.people) for (const one of devices) one.minutes[now] = one.isPresent;
  }
  return plot;
}

type Told = [userId: string, from: number, to: number | null, cause: string | null];

/** What is true: the longest times in which any device of a person was present. A guest who did not sign in is another person. */
function truth({ people }: Plot): Told[] {
  return people.flatMap(({ userId, devices, causes: why }) => {
    const persons = Map.groupBy(devices, (one) => (one.isGuest ? one.guestId! : userId));
    return [...persons].flatMap(([id, own]) => {
      const stays: Told[] = [];
      for (let minute = 0, before = false; minute < minutes; minute += 1) {
        const isHere = own.some((one) => one.minutes[minute]);
        if (isHere && !before) stays.push([id, minute, null, null]);
        if (!isHere && before) stays.at(-1)!.splice(2, 2, minute, why.get(minute)!);
        before = isHere;
      }
      return stays;
    });
  });
}

const inOrder = (stays: Told[]) => stays.toSorted((one, other) => one[1] - other[1] || (one[0] < other[0] ? -1 : 1));
const here = (stays: Told[], minute: number) =>
  inOrder(stays.filter(([, from, to]) => from <= minute && (to ?? Number.POSITIVE_INFINITY) > minute));
const told = (stays: Pick<TimelineStay, 'userId' | 'joinedAt' | 'leftAt' | 'cause'>[]): Told[] =>
  stays.map(({ userId, joinedAt, leftAt, cause }) => [userId, minuteOf(joinedAt)!, minuteOf(leftAt), cause]);

function attendanceOf(stays: Told[], from: number, to: number) {
  const within = stays.filter(([, began, ended]) => began <= to && (began >= from || (ended ?? to) > from));
  const people = Map.groupBy(within, ([userId]) => userId);
  return new Map(
    [...people].map(([userId, own]) => {
      const spans = own.map(([, began, ended]) => Math.min(to, ended ?? to) - Math.max(from, began));
      const isPresent = own.some(([, , ended]) => ended === null || ended > to);
      return [userId, [own.length, spans.reduce((sum, span) => sum + span, 0), isPresent]];
    }),
  );
}

async function record({
  sessionId,
  entries,
  identities,
}: Pick<Plot, 'sessionId' | 'entries' | 'identities'>): Promise<void> {
  await logger.logActivities(entries);
  for (const { guestId, userId, at } of identities) {
    await database.pool.query(
      'INSERT INTO guest_identities (session_id, guest_id, user_id, signed_in_at) VALUES ($1, $2, $3, $4)',
      [sessionId, guestId, userId, new Date(at)],
    );
  }
}

async function trailOf(sessionId: string): Promise<ActivityItem[]> {
  const { items } = await logger.getSessionActivity(sessionId, { limit: 1000 });
  return items.toReversed();
}

test('[PR9][SE15] [AC9] a guest who comes, goes and comes back beside their user is in one stay with the user', async () => {
  const [sessionId, user, guest] = [randomUUID(), randomUUID(), randomUUID()];
  const by = (userId: string, minute: number) => ({ sessionId, userId, at: time(minute) });
  const entries = [
    userJoined(by(user, 0), 'viewer'),
    userJoined(by(guest, 5), 'viewer'),
    userLeft(by(guest, 10), 'left', 300),
    userJoined(by(guest, 15), 'viewer'),
    guestSignedIn(by(user, 20), guest, 'viewer', true),
    userLeft(by(user, 60), 'left', 3600),
  ];
  const identity = { guestId: guest, userId: user, at: time(20) };
  await record({ sessionId, entries, identities: [identity] });
  const stay = [user, 0, 60, 'left'];
  for (const minute of [0, 7, 10, 12, 17, 20, 59]) {
    expect(told(await logger.whoWasHere(sessionId, time(minute)))).toEqual([stay]);
  }
  expect(await logger.whoWasHere(sessionId, time(60))).toEqual([]);
  const { items } = await logger.attendance(sessionId, { from: time(0), to: time(90) });
  expect(items).toMatchObject([{ userId: user, stays: 1, totalMillis: 3_600_000, isPresent: false }]);
  const people = staysOf(await trailOf(sessionId));
  expect(people.flatMap((person) => told(person.stays))).toEqual([stay]);
});

test('[PR9][SE15] a guest entry that is dated just after the sign-in, because clocks differ, ends nothing', async () => {
  const [sessionId, user, guest] = [randomUUID(), randomUUID(), randomUUID()];
  const by = (userId: string, minute: number) => ({ sessionId, userId, at: time(minute) });
  const entries = [
    userJoined(by(guest, 5), 'viewer'),
    guestSignedIn(by(user, 20), guest, 'viewer', false),
    userLeft(by(guest, 21), 'left', 960),
    userLeft(by(user, 60), 'left', 3300),
    userJoined(by(guest, 70), 'viewer'),
    userLeft(by(user, 80), 'left', 600),
  ];
  await record({ sessionId, entries, identities: [{ guestId: guest, userId: user, at: time(20) }] });
  const stays = [
    [user, 5, 60, 'left'],
    [user, 70, 80, 'left'],
  ];
  for (const minute of [10, 20, 30, 59]) {
    expect(told(await logger.whoWasHere(sessionId, time(minute)))).toEqual([stays[0]]);
  }
  expect(told(await logger.whoWasHere(sessionId, time(75)))).toEqual([stays[1]]);
  const { items } = await logger.attendance(sessionId, { from: time(0), to: time(90) });
  expect(items).toMatchObject([{ userId: user, stays: 2, totalMillis: 65 * 60_000, isPresent: false }]);
  expect(staysOf(await trailOf(sessionId)).flatMap((person) => told(person.stays))).toEqual(stays);
});

describe(`[PR9][SE15] of guests who are present beside their users and sign in (seed ${seed})`, () => {
  const plots: Plot[] = [];
  let stays: Told[][];

  beforeAll(async () => {
    const random = new SeededRandom(seed);
    for (let n = 0; n < 20; n += 1) plots.push(plotOf(random, n % 2 === 1));
    for (const plot of plots) await record(plot);
    stays = plots.map(truth);
  });

  test('there are many stays in which a guest and the user were present at the same time', () => {
    const shared = plots.flatMap(({ people }) =>
      people.filter(({ devices }) =>
        devices[0]!.minutes.some(
          (isHere, minute) => isHere && devices.slice(1).some((one) => !one.isGuest && one.minutes[minute]),
        ),
      ),
    );
    expect(shared.length).toBeGreaterThan(20);
    expect(plots.flatMap(({ identities }) => identities).length).toBeGreaterThan(40);
  });

  test('the history says who was present', async () => {
    for (const [n, plot] of plots.entries()) {
      for (let minute = 0; minute < minutes; minute += 1) {
        const found = told(await logger.whoWasHere(plot.sessionId, time(minute)));
        expect({ n, minute, found }).toEqual({ n, minute, found: here(stays[n]!, minute) });
      }
    }
  });

  test('[AC9] the timeline has the same stays', async () => {
    for (const [n, plot] of plots.entries()) {
      const people = staysOf(await trailOf(plot.sessionId));
      const found = told(people.flatMap((person) => person.stays));
      expect({ n, found: inOrder(found) }).toEqual({ n, found: inOrder(stays[n]!) });
      for (let minute = 0; minute < minutes; minute += 1) {
        expect(told(presentAt(people, time(minute)))).toEqual(here(stays[n]!, minute));
      }
    }
  });

  test('[AC5] the attendance of random periods is what happened', async () => {
    const random = new SeededRandom(seed + 1);
    for (const [n, { sessionId }] of plots.entries()) {
      for (let many = 0; many < 10; many += 1) {
        const from = random.below(minutes - 1);
        const to = from + 1 + random.below(minutes - 1 - from);
        const { items } = await logger.attendance(sessionId, { from: time(from), to: time(to) });
        const found = new Map(
          items.map((item) => [item.userId, [item.stays, item.totalMillis / 60_000, item.isPresent]]),
        );
        expect({ n, from, to, found }).toEqual({ n, from, to, found: attendanceOf(stays[n]!, from, to) });
      }
    }
  });

  test('the double of the service has the same stays', () => {
    for (const [n, { double }] of plots.entries()) {
      // The double ends a session with a leave of everybody.
      if (n % 2 === 1) continue;
      expect({ n, found: inOrder(told(double.stays)) }).toEqual({ n, found: inOrder(stays[n]!) });
    }
  });
});
