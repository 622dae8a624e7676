import { readTimings } from '../../protocol/timings.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { joinOf, joinsOf, keepAlive, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import { type PresentUsers, whilePresent } from '../support/silence.ts';
import type { Arrived, TestStack } from '../support/stack.ts';
import { expectWithin } from '../support/time-limits.ts';
import {
  askUntil,
  boundMillis,
  eventually,
  movements,
  offlineMillis,
  quickest,
  shortTimes,
  shownTo,
  startFailingStack,
  timed,
  untilShown,
} from './support.ts';

const cursor = { eventId: 'e', position: 1 };
const presenceTypes = ['presence_sync', 'presence_update', 'cursor_update', 'heartbeat'];
const { heartbeatMillis } = readTimings(shortTimes);
let redis: OwnRedis;
let stack: TestStack;
let stops: (() => void)[] = [];

beforeAll(async () => {
  redis = await OwnRedis.start();
  stack = await startFailingStack({ redisUrl: redis.url });
});
afterEach(restore);
afterAll(async () => {
  redis.thaw();
  await stack.close();
  await redis.kill();
});

async function restore(): Promise<void> {
  for (const stop of stops) stop();
  stops = [];
  stack.faults.set({});
  redis.thaw();
  await redis.start();
}

/** A session with its owner and one more user, whose execution environments are warm. */
async function room(watcher: string, other: string) {
  const { owner, session } = await stack.host(watcher);
  const guest = await enter(other, session.id);
  await untilShown(owner, session.id, guest.userId);
  // The limit is for a warm environment. A cold start takes longer.
  for (const type of presenceTypes) await guest.askOnce({ type, sessionId: session.id, cursor });
  return { owner, guest, sessionId: session.id };
}

async function enter(user: string, sessionId: string): Promise<Arrived> {
  const client = await stack.arrive(user);
  await client.expect('session_joined', { type: 'session_join', sessionId });
  return client;
}

/** Every kind of presence frame is refused within the limit, with or without a requestId. */
async function expectRefusals(client: Arrived, sessionId: string): Promise<void> {
  for (const type of presenceTypes) {
    const { frame, millis } = await quickest(client, { type, sessionId, cursor });
    expect(frame).toMatchObject({ type: 'error', code: 'UNAVAILABLE', retryable: true });
    await expectWithin(millis, boundMillis);
  }
  const before = client.framesOf('error').length;
  client.send({ type: 'cursor_update', sessionId, cursor: { eventId: 'e', position: Math.random() } });
  await client.next('error', (error) => client.framesOf('error').indexOf(error) >= before && !error.requestId);
}

/** One user leaves and another joins while Redis is away. The others stay and must not time out. */
async function outage(
  name: string,
  { began: attemptBegan, silence }: PresentUsers,
  away: () => Promise<void>,
  back: () => Promise<void>,
): Promise<void> {
  const { owner, guest, sessionId } = await room(`ada-${name}`, `bob-${name}`);
  let isAway = false;
  const keep = (user: Arrived, since?: number) => {
    const stop = keepAlive(user, sessionId, silence(since), () => isAway);
    stops.push(stop);
    return stop;
  };
  for (const present of [owner, guest]) keep(present, attemptBegan);
  const leaver = await enter(`cleo-${name}`, sessionId);
  await untilShown(owner, sessionId, leaver.userId);
  const stopLeaver = keep(leaver);
  const newcomer = await stack.arrive(`dan-${name}`);
  const began = Date.now();
  isAway = true;
  await away();

  await expectRefusals(guest, sessionId);
  const created = await newcomer.expect('session_created', { type: 'session_create', operationId: 'meanwhile' });
  expect(created.users.map((user) => user.userId)).toEqual([newcomer.userId]);
  await newcomer.expect('session_ended', { type: 'session_end', sessionId: created.session.id });
  const { frame, millis } = await timed(newcomer, { type: 'session_join', sessionId });
  expect(frame).toMatchObject({ type: 'session_joined', role: 'viewer' });
  await expectWithin(millis, 2 * boundMillis);
  const seen = (frame as unknown as { users: { userId: string }[] }).users.map((user) => user.userId);
  expect(seen.sort()).toEqual([owner, guest, leaver, newcomer].map((one) => one.userId).sort());
  stopLeaver();
  await leaver.expect('session_left', { type: 'session_leave', sessionId });
  await owner.expect('activity_logged', { type: 'activity_log', sessionId, activityType: 'noted' });
  await owner.expect('invite_created', { type: 'invite_create', sessionId, role: 'viewer' });
  // Long enough that everybody would be overdue by their old signs of life.
  while (Date.now() < began + 1.5 * offlineMillis) await timed(guest, { type: 'heartbeat', sessionId });

  keep(newcomer);
  await back();
  isAway = false;
  await expectWithin(await askUntil(guest, 'ack', { type: 'heartbeat', sessionId }), heartbeatMillis);
  const here = [owner, guest, newcomer].map((one) => one.userId).sort();
  await askUntil(owner, 'ack', { type: 'heartbeat', sessionId });
  await eventually(
    () => shownTo(owner, sessionId),
    (shown) => shown.join() === here.join(),
  );
  // Any wrong leave is announced within the time after which a user is offline.
  const until = Date.now() + 1.5 * offlineMillis;
  await eventually(
    () => shownTo(owner, sessionId),
    () => Date.now() > until,
  );
  const told = [owner, guest, newcomer].flatMap((one) => one.framesOf('presence_diff')).flatMap(({ leaves }) => leaves);
  expect(told.filter(({ userId }) => userId !== leaver.userId)).toEqual([]);
  expect(joinsOf(owner, guest.userId)).toBeLessThanOrEqual(1);
  expect((await movements(stack, sessionId)).sort()).toEqual(
    [
      ...[owner, guest, leaver, newcomer].map((one) => `user_joined ${one.userId}`),
      `user_left ${leaver.userId}`,
    ].sort(),
  );
}

test.each([
  ['gone', () => redis.kill(), () => redis.start()],
  ['frozen', async () => redis.freeze(), async () => redis.thaw()],
])(
  '[FA1] with Redis %s, sessions continue, presence frames are refused within the limit, and nobody times out',
  async (how, away, back) => {
    await whilePresent(offlineMillis, (users) => outage(`${how}-${users.attempt}`, users, away, back), restore);
  },
);

test('[FA1] the leave of a user who lost power while Redis was away is announced when Redis is back', async () => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, began, silence }) => {
      const { owner, guest, sessionId } = await room(`emma-${attempt}`, `finn-${attempt}`);
      stops.push(keepAlive(owner, sessionId, silence(began)));
      await guest.expect('ack', { type: 'heartbeat', sessionId });
      stack.faults.set({ loseDisconnect: 1 });
      redis.freeze();
      guest.cut();
      await timed(owner, { type: 'heartbeat', sessionId });
      redis.thaw();
      const back = Date.now();
      expect(await leaveOf(owner, guest.userId)).toBe('timeout');
      stack.faults.set({});
      await expectWithin(Date.now() - back, 5000, offlineMillis);
      expect(leavesOf(owner, guest.userId)).toBe(1);
    },
    restore,
  );
});

test('[PR9] [PR11] a user who joined while Redis was away, timed out later and came back has joined twice', async () => {
  const { owner, sessionId } = await room('gwen', 'hugo');
  stops.push(await stayPresent(owner, sessionId));
  await stack.stores.redis.shut();
  const newcomer = await enter('ines', sessionId);
  await stack.stores.redis.open();
  await joinOf(owner, newcomer.userId);
  expect(await leaveOf(owner, newcomer.userId)).toBe('timeout');
  await askUntil(newcomer, 'ack', { type: 'heartbeat', sessionId });
  const own = async () => (await movements(stack, sessionId)).filter((text) => text.endsWith(newcomer.userId));
  await eventually(own, (told) => told.length === 3);
  expect((await own()).map((text) => text.split(' ')[0]).sort()).toEqual([
    'user_joined',
    'user_joined',
    'user_timeout',
  ]);
});
