import { readTimings } from '../../protocol/timings.ts';
import { changeOf, joinOf, joinsOf, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import { whilePresent } from '../support/silence.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin, scaleSettings } from '../support/time-limits.ts';

const settings = scaleSettings({
  PRESENCE_UPDATE_SECONDS: '1',
  HEARTBEAT_TIMEOUT_SECONDS: '1',
  RECONNECT_GRACE_SECONDS: '0.5',
});
const { offlineAfterMillis: offlineMillis, graceMillis } = readTimings(settings);
let stack: TestStack;
let stops: (() => void)[] = [];

beforeAll(async () => {
  // On a busy machine this file takes more than a minute; then the schedule has to start the next sweep, as on AWS.
  stack = await startTestStack(settings, { schedules: true });
});
afterEach(restore);
afterAll(() => stack.close());

function restore(): void {
  for (const stop of stops) stop();
  stops = [];
  stack.faults.set({});
}

/** A session with a watching owner and another user. */
async function pair(watcher: string, other: string) {
  const { owner, session } = await stack.host(watcher);
  stops.push(await stayPresent(owner, session.id));
  const guest = await stack.arrive(other);
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await joinOf(owner, guest.userId);
  return { owner, guest, sessionId: session.id };
}

/** Resolves when all earlier frames have arrived: the frames of a connection keep their order. */
async function receivedAll(client: Arrived, sessionId: string): Promise<void> {
  await client.expect('presence_state', { type: 'presence_sync', sessionId });
}

test('[PR12][PR9][FA5] after a user loses power, others are told of the leave once, in time and with its cause', async () => {
  const { owner, guest, sessionId } = await pair('ada', 'bob');
  stack.faults.set({ loseDisconnect: 1 });
  const lost = Date.now();
  guest.cut();
  expect(await leaveOf(owner, guest.userId)).toBe('timeout');
  await expectWithin(Date.now() - lost, 5000, offlineMillis);
  expect(await stack.audit(sessionId, 'user_timeout')).toMatchObject([
    { user_id: guest.userId, details: { reason: 'heartbeat_timeout' } },
  ]);
  expect(await stack.audit(sessionId, 'user_left')).toEqual([]);
  await receivedAll(owner, sessionId);
  expect(leavesOf(owner, guest.userId)).toBe(1);
});

test('[PR11] the next frame of a user who timed out with an open connection is announced as a join', async () => {
  const { owner, guest, sessionId } = await pair('cleo', 'dan');
  expect(await leaveOf(owner, guest.userId)).toBe('timeout');
  await guest.expect('ack', { type: 'cursor_update', sessionId, cursor: { eventId: 'e', position: 1 } });
  await joinOf(owner, guest.userId);
  await owner.next('cursors', ({ cursors }) => cursors[0]!.userId === guest.userId);
  const { rows } = await stack.database.query(
    'SELECT is_active FROM session_participants WHERE session_id = $1 AND person_id = $2 ORDER BY joined_at, left_at',
    [sessionId, guest.userId],
  );
  expect(rows.filter((row) => row.is_active)).toHaveLength(1);
  expect(await stack.audit(sessionId, 'user_joined')).toHaveLength(3);
});

test('[PR7][PR9] a broken socket gets the long grace and then causes one leave', async () => {
  const { owner, guest, sessionId } = await pair('emma', 'finn');
  // The guest sends heartbeats, so that on a busy machine the grace ends their stay and not the timeout.
  await stayPresent(guest, sessionId);
  const cut = Date.now();
  guest.cut();
  expect(await leaveOf(owner, guest.userId)).toBe('disconnected');
  expect(Date.now() - cut).toBeGreaterThanOrEqual(graceMillis - 50);
  expect(await stack.audit(sessionId, 'user_left')).toMatchObject([{ details: { cause: 'disconnected' } }]);
  await receivedAll(owner, sessionId);
  expect(leavesOf(owner, guest.userId)).toBe(1);
});

test('[PR10] a leave is announced and recorded once, even if several sweeps run at the same time', async () => {
  const { owner, guest, sessionId } = await pair('gina', 'hugo');
  stack.faults.set({ doubleDisconnect: 1 });
  guest.cut();
  for (let sweep = 0; sweep < 4; sweep += 1) void stack.fireSchedule('TimeoutSweep');
  expect(await leaveOf(owner, guest.userId)).toMatch(/disconnected|timeout/);
  await receivedAll(owner, sessionId);
  expect(leavesOf(owner, guest.userId)).toBe(1);
  const ends = await stack.audit(sessionId);
  expect(ends.filter(({ activity_type: type }) => type === 'user_left' || type === 'user_timeout')).toHaveLength(1);
});

test('[PR8][FA5] a late $disconnect of an old connection does not affect the new one', async () => {
  const { owner, guest, sessionId } = await pair('iris', 'jack');
  const again = await stack.arrive('jack');
  await again.expect('session_joined', { type: 'session_join', sessionId });
  stops.push(await stayPresent(again, sessionId));
  stack.faults.set({ doubleDisconnect: 1 });
  guest.cut();
  // The old seat has ended, which is announced as one connection fewer. A false leave would have arrived by now.
  await changeOf(owner, guest.userId, ({ connections }) => connections === 1);
  await receivedAll(owner, sessionId);
  expect([joinsOf(owner, guest.userId), leavesOf(owner, guest.userId)]).toEqual([1, 0]);
});

/** Sends a frame that is no heartbeat. @returns the answer. */
type Frame = (user: Arrived, sessionId: string) => Promise<unknown>;

const otherFrames: [what: string, ...frames: Frame[]][] = [
  ['an activity', (user, sessionId) => user.expect('ack', { type: 'presence_update', sessionId, activity: 'reading' })],
  [
    'a ping, a query, or an activity that is refused',
    (user) => user.expect('pong', { type: 'ping' }),
    (user, sessionId) => user.expect('participants', { type: 'participants_list', sessionId }),
    async (user, sessionId) => {
      const refused = user.expect('error', { type: 'activity_log', sessionId, activityType: 'looked' });
      expect((await refused).code).toBe('PERMISSION_DENIED');
    },
  ],
];

test.each(otherFrames)('[PR1] any frame is a sign of life, not only a heartbeat: %s', async (what, ...frames) => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, silence }) => {
      const { owner, sessionId } = await pair(`mona-${attempt}`, 'nils');
      const users = await Promise.all(frames.map((_, index) => stack.arrive(`user of ${what} ${index}-${attempt}`)));
      await Promise.all(
        frames.map(async (frame, index) => {
          const user = users[index]!;
          await user.expect('session_joined', { type: 'session_join', sessionId });
          const quiet = silence();
          const until = Date.now() + offlineMillis * 1.5;
          while (Date.now() < until) {
            await quiet.during(() => frame(user, sessionId));
            await new Promise((resolve) => setTimeout(resolve, 300));
          }
          await quiet.during(() => user.expect('presence_state', { type: 'presence_sync', sessionId }));
          quiet.stop();
        }),
      );
      await receivedAll(owner, sessionId);
      expect(users.map(({ userId }) => leavesOf(owner, userId))).toEqual(users.map(() => 0));
    },
    restore,
  );
});
