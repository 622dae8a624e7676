import { readTimings } from '../../protocol/timings.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { joinOf, joinsOf, keepAlive, leaveOf, leavesOf } from '../support/presence-frames.ts';
import type { Arrived, TestStack } from '../support/stack.ts';
import { scaleLimit } from '../support/time-limits.ts';
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
afterEach(async () => {
  for (const stop of stops) stop();
  stops = [];
  redis.thaw();
  await redis.start();
});
afterAll(async () => {
  redis.thaw();
  await stack.close();
  await redis.kill();
});

/** A session with its owner and one more, both alive. */
async function room(watcher: string, other: string) {
  const { owner, session } = await stack.host(watcher);
  const guest = await enter(other, session.id);
  await joinOf(owner, guest.userId);
  stops.push(keepAlive(owner, session.id, 300), keepAlive(guest, session.id, 300));
  // The bound is about an environment that runs; a cold start takes what it takes.
  for (const type of presenceTypes) await guest.ask({ type, sessionId: session.id, cursor });
  return { owner, guest, sessionId: session.id };
}

async function enter(user: string, sessionId: string): Promise<Arrived> {
  const client = await stack.arrive(user);
  await client.expect('session_joined', { type: 'session_join', sessionId });
  return client;
}

/** Every kind of presence frame is refused in time, with or without a requestId. */
async function expectRefusals(client: Arrived, sessionId: string): Promise<void> {
  for (const type of presenceTypes) {
    const { frame, millis } = await quickest(client, { type, sessionId, cursor });
    expect(frame).toMatchObject({ type: 'error', code: 'UNAVAILABLE', retryable: true });
    expect({ type, millis: Math.max(millis, boundMillis) }).toEqual({ type, millis: boundMillis });
  }
  const before = client.framesOf('error').length;
  client.send({ type: 'cursor_update', sessionId, cursor: { eventId: 'e', position: Math.random() } });
  await client.next('error', (error) => client.framesOf('error').indexOf(error) >= before && !error.requestId);
}

test.each([
  ['gone', () => redis.kill(), () => redis.start()],
  ['frozen', async () => redis.freeze(), async () => redis.thaw()],
])(
  '[FA1] with Redis %s sessions go on, presence says so in time, and nobody is taken for gone',
  async (how, away, back) => {
    const { owner, guest, sessionId } = await room(`ada-${how}`, `bob-${how}`);
    const leaver = await enter(`cleo-${how}`, sessionId);
    await joinOf(owner, leaver.userId);
    const newcomer = await stack.arrive(`dan-${how}`);
    const began = Date.now();
    await away();

    await expectRefusals(guest, sessionId);
    const created = await newcomer.expect('session_created', { type: 'session_create', operationId: 'meanwhile' });
    expect(created.users.map((user) => user.userId)).toEqual([newcomer.userId]);
    await newcomer.expect('session_ended', { type: 'session_end', sessionId: created.session.id });
    const { frame, millis } = await timed(newcomer, { type: 'session_join', sessionId });
    expect(frame).toMatchObject({ type: 'session_joined', role: 'viewer' });
    expect(millis).toBeLessThan(2 * boundMillis);
    const seen = (frame as unknown as { users: { userId: string }[] }).users.map((user) => user.userId);
    expect(seen.sort()).toEqual([owner, guest, leaver, newcomer].map((one) => one.userId).sort());
    await leaver.expect('session_left', { type: 'session_leave', sessionId });
    await owner.expect('activity_logged', { type: 'activity_log', sessionId, activityType: 'noted' });
    await owner.expect('invite_created', { type: 'invite_create', sessionId, role: 'viewer' });
    // Long enough for everybody to be overdue by the old signs of life.
    while (Date.now() < began + 1.5 * offlineMillis) await timed(guest, { type: 'heartbeat', sessionId });

    for (const present of [owner, guest, newcomer]) stops.push(keepAlive(present, sessionId, 300));
    await back();
    expect(await askUntil(guest, 'ack', { type: 'heartbeat', sessionId })).toBeLessThan(heartbeatMillis);
    stops.push(keepAlive(newcomer, sessionId, 300));
    const here = [owner, guest, newcomer].map((one) => one.userId).sort();
    await askUntil(owner, 'ack', { type: 'heartbeat', sessionId });
    await eventually(
      () => shownTo(owner, sessionId),
      (shown) => shown.join() === here.join(),
    );
    // Whatever would have gone wrong shows within the time after which somebody is offline.
    const until = Date.now() + 1.5 * offlineMillis;
    await eventually(
      () => shownTo(owner, sessionId),
      () => Date.now() > until,
    );
    for (const present of [owner, guest, newcomer]) {
      expect([present, owner, guest].map((one) => leavesOf(one, present.userId))).toEqual([0, 0, 0]);
    }
    expect(joinsOf(owner, guest.userId)).toBe(1);
    expect((await movements(stack, sessionId)).sort()).toEqual(
      [
        ...[owner, guest, leaver, newcomer].map((one) => `user_joined ${one.userId}`),
        `user_left ${leaver.userId}`,
      ].sort(),
    );
  },
);

test('[FA1] somebody who lost power while Redis was away is announced once it is back', async () => {
  const { owner, guest, sessionId } = await room('emma', 'finn');
  stack.faults.set({ loseDisconnect: 1 });
  redis.freeze();
  stops.pop()!();
  guest.cut();
  await timed(owner, { type: 'heartbeat', sessionId });
  redis.thaw();
  const back = Date.now();
  expect(await leaveOf(owner, guest.userId)).toBe('timeout');
  stack.faults.set({});
  expect(Date.now() - back).toBeLessThan(offlineMillis + scaleLimit(5000));
  expect(leavesOf(owner, guest.userId)).toBe(1);
});

test('[PR9] [PR11] who joined while Redis was away, timed out later and came back has come twice', async () => {
  const { owner, sessionId } = await room('gwen', 'hugo');
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
