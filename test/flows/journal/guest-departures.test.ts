import { randomUUID } from 'node:crypto';
import { type Actor, guestSignedIn, userJoined, userLeft } from '../../../lambdas/activity/activity-events.ts';
import type { ActivityLogger } from '../../../lambdas/activity/activity-logger.ts';
import { type Departing, recordDeparture } from '../../../lambdas/flows/journal/departures.ts';
import type { Services } from '../../../lambdas/services/services.ts';
import type { LeaveCause } from '../../../protocol/entities.ts';
import { createLogger } from '../../support/activity-logger.ts';
import { createDatabase, type TestDatabase } from '../../support/database.ts';
import { testServices } from '../../support/test-services.ts';

let database: TestDatabase;
let logger: ActivityLogger;
let services: Services;
let sessionId: string;
let user: string;
let guest: string;
const start = Date.UTC(2026, 5, 1, 10);
/** Minutes after ten. */
const time = (minutes: number) => start + 60_000 * minutes;

beforeAll(async () => {
  database = await createDatabase();
  logger = createLogger({ pool: database.pool });
  const sessions = { releaseSlots: jest.fn(async () => {}) };
  services = testServices({ activity: logger, sessions });
});
afterAll(() => database.drop());

beforeEach(() => {
  [sessionId, user, guest] = [randomUUID(), randomUUID(), randomUUID()];
});

const by = (userId: string, minutes: number): Actor & { at: number } => ({ sessionId, userId, at: time(minutes) });
const comes = (userId: string, minutes: number) => logger.logActivities([userJoined(by(userId, minutes), 'viewer')]);
const goes = (userId: string, minutes: number) =>
  logger.logActivities([userLeft(by(userId, minutes), 'left', 60 * minutes)]);

async function signIn(minutes: number, stayEnded: boolean, guestId = guest): Promise<void> {
  await logger.logActivities([guestSignedIn(by(user, minutes), guestId, 'viewer', stayEnded)]);
  await database.pool.query(
    'INSERT INTO guest_identities (session_id, guest_id, user_id, signed_in_at) VALUES ($1, $2, $3, $4)',
    [sessionId, guestId, user, new Date(time(minutes))],
  );
}

/** The leaves of the user: when, and after how many minutes. */
async function leaves(): Promise<[number, number][]> {
  const { rows } = await database.pool.query<{ at: Date; minutes: number }>(
    `SELECT created_at AS at, (details->>'durationSeconds')::float8 / 60 AS minutes FROM activity_log
     WHERE session_id = $1 AND user_id = $2 AND activity_type IN ('user_left', 'user_timeout') ORDER BY created_at`,
    [sessionId, user],
  );
  return rows.map(({ at, minutes }) => [(at.getTime() - start) / 60_000, minutes]);
}

/** Ends the stay of the user at eleven, twice. */
async function end(cause: LeaveCause, known: Partial<Departing>): Promise<void> {
  const departing = { userId: user, cause, at: time(60), ...known };
  for (let n = 0; n < 2; n += 1) await recordDeparture(services, sessionId, departing);
}

const causes: LeaveCause[] = ['left', 'disconnected', 'timeout', 'removed', 'session_ended', 'session_expired'];
/** What presence knows of the stay that began at ten. */
const knowledge: [string, Partial<Departing>][] = [
  ['presence observed', { joinedAt: start }],
  ['was restored', { joinedAt: time(20), restored: true }],
  ['only the trail knows', {}],
  ['a check of the slots concluded', { isConcluded: true }],
];

/** What happened before the stay ends, and the leaves that the trail must have then. */
const signIns: [string, () => Promise<void>, [number, number][]][] = [
  [
    'the guest had left before',
    async () => {
      await comes(user, 0);
      await comes(guest, 5);
      await goes(guest, 10);
      await signIn(20, false);
    },
    [[60, 60]],
  ],
  [
    'the user had left before',
    async () => {
      await comes(guest, 0);
      await comes(user, 5);
      await goes(user, 10);
      await signIn(20, false);
    },
    [
      [10, 10],
      [60, 60],
    ],
  ],
  [
    'both were present',
    async () => {
      await comes(user, 0);
      await comes(guest, 5);
      await signIn(20, true);
    },
    [[60, 60]],
  ],
  [
    'another guest signed in before',
    async () => {
      const other = randomUUID();
      await comes(other, 0);
      await comes(guest, 0);
      await signIn(8, false, other);
      await goes(user, 10);
      await signIn(20, false);
    },
    [
      [10, 10],
      [60, 60],
    ],
  ],
];

describe.each(causes)('[PR9][SE15] the leave of a user who signed in is written once: %s,', (cause) => {
  describe.each(signIns)('if %s,', (_, happens, expected) => {
    test.each(knowledge)('of a stay that %s', async (_, known) => {
      await happens();
      await end(cause, known);
      expect(await leaves()).toEqual(expected);
    });
  });
});

test('[PR9][SE15] a leave that is in the trail is not written again for a guest who signed in before it', async () => {
  await comes(guest, 0);
  await signIn(20, false);
  await goes(user, 30);
  await end('timeout', { isConcluded: true });
  await end('left', { joinedAt: start });
  expect(await leaves()).toEqual([[30, 30]]);
});

test('[PR9][SE15] a leave of the guest that is dated after the sign-in, because clocks differ, hides no leave of the user', async () => {
  await comes(guest, 0);
  await signIn(20, false);
  await goes(guest, 21);
  await end('timeout', { joinedAt: time(20), restored: true });
  expect(await leaves()).toEqual([[60, 60]]);
});

test('[PR9][SE15] a guest who signs in later changes nothing about a leave before', async () => {
  await comes(guest, 0);
  await signIn(70, false);
  await end('left', {});
  expect(await leaves()).toEqual([]);
});

test('[PR9][SE15] the last movement of a guest is the sign-in, and it ends no stay of the guest a second time', async () => {
  await comes(guest, 0);
  await signIn(20, false);
  const asked = await logger.lastMovements([
    { sessionId, userId: guest, until: time(19) },
    { sessionId, userId: guest, until: time(20) },
    { sessionId, userId: user, until: time(19) },
    { sessionId, userId: user },
  ]);
  expect(asked).toEqual([
    { type: 'user_joined', at: time(0) },
    { type: 'guest_signed_in', at: time(20) },
    undefined,
    { type: 'user_joined', at: time(0) },
  ]);
});
