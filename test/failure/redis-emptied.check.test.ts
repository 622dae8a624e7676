import { Redis } from 'ioredis';
import { OwnRedis } from '../support/own-redis.ts';
import { joinsOf, keepAlive, leaveOf, leavesOf, stayPresent } from '../support/presence-frames.ts';
import { whilePresent } from '../support/silence.ts';
import type { Arrived, TestStack } from '../support/stack.ts';
import { expectWithin } from '../support/time-limits.ts';
import { eventually, movements, offlineMillis, shownTo, startFailingStack, untilShown } from './support.ts';

let redis: OwnRedis;
let direct: Redis;
let stack: TestStack;
let stops: (() => void)[] = [];

beforeAll(async () => {
  redis = await OwnRedis.start();
  direct = new Redis(redis.url);
  stack = await startFailingStack({ redisUrl: redis.url });
});
afterEach(restore);
afterAll(async () => {
  direct.disconnect();
  await stack.close();
  await redis.kill();
});

function restore(): void {
  for (const stop of stops) stop();
  stops = [];
  stack.faults.set({});
}

/** Each user sends a heartbeat, so that none is close to the timeout in the next steps. */
async function heardOf(people: Arrived[], sessionId: string): Promise<void> {
  await Promise.all(people.map((person) => person.expect('ack', { type: 'heartbeat', sessionId })));
}

async function room(...names: string[]): Promise<{ people: [Arrived, Arrived, ...Arrived[]]; sessionId: string }> {
  const { owner, session } = await stack.host(names[0]!);
  const people = [owner];
  for (const name of names.slice(1)) {
    const client = await stack.arrive(name);
    await client.expect('session_joined', { type: 'session_join', sessionId: session.id });
    await untilShown(owner, session.id, client.userId);
    people.push(client);
  }
  await heardOf(people, session.id);
  return { people: people as [Arrived, Arrived, ...Arrived[]], sessionId: session.id };
}

const idsOf = (people: Arrived[]) => people.map((person) => person.userId).sort();

test('[FA2] one frame restores all users, no leave is announced, and a new user sees all of them', async () => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, began, silence }) => {
      const { people, sessionId } = await room(...['ada', 'bob', 'cleo'].map((name) => `${name}-${attempt}`));
      const [ada, bob, cleo] = people;
      for (const person of people) stops.push(keepAlive(person, sessionId, silence(began)));
      await direct.flushall();
      await ada.expect('ack', { type: 'cursor_update', sessionId, cursor: { eventId: 'e', position: 7 } });
      await bob.next('cursors', ({ cursors }) => cursors[0]!.userId === ada.userId);
      expect(await shownTo(ada, sessionId)).toEqual(idsOf(people));
      await direct.flushall();
      const dan = await stack.arrive(`dan-${attempt}`);
      const { users } = await dan.expect('session_joined', { type: 'session_join', sessionId });
      expect(users.map((user) => user.userId).sort()).toEqual(idsOf([...people, dan]));
      stops.push(keepAlive(dan, sessionId, silence()));
      // A frame of somebody else may rebuild the session between the write of Dan's membership and his seat. Then Dan is in the new
      // snapshot, and no diff tells of him.
      await untilShown(ada, sessionId, dan.userId);
      const until = Date.now() + 1.5 * offlineMillis;
      await eventually(
        () => shownTo(cleo!, sessionId),
        () => Date.now() > until,
      );
      for (const person of people) expect(person.framesOf('presence_diff').flatMap(({ leaves }) => leaves)).toEqual([]);
      expect(joinsOf(ada, bob.userId)).toBeLessThanOrEqual(1);
      expect(await movements(stack, sessionId)).toEqual([...people, dan].map((one) => `user_joined ${one.userId}`));
    },
    restore,
  );
});

test('[FA2][PR16] the data of users are restored, also the data of a closed tab', async () => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, began, silence }) => {
      const { people, sessionId } = await room(`nina-${attempt}`, `oleg-${attempt}`);
      const [nina, oleg] = people;
      for (const person of people) stops.push(keepAlive(person, sessionId, silence(began)));
      await nina.expect('ack', { type: 'presence_update', sessionId, data: { colour: 'teal', page: 3 } });
      const tab = await stack.arrive(`oleg-${attempt}`);
      await tab.expect('session_joined', { type: 'session_join', sessionId, data: { step: 1 } });
      await tab.expect('ack', { type: 'presence_update', sessionId, data: { step: 2, seen: [] } });
      await tab.expect('session_left', { type: 'session_leave', sessionId });
      await nina.expect('ack', { type: 'presence_update', sessionId, data: { page: null } });
      await direct.flushall();
      const { users } = await oleg.expect('presence_state', { type: 'presence_sync', sessionId });
      expect(users.map(({ userId, data }) => [userId, data])).toEqual(
        expect.arrayContaining([
          [nina.userId, { colour: 'teal' }],
          [oleg.userId, { step: 2, seen: [] }],
        ]),
      );
    },
    restore,
  );
});

test('[FA2][PR12] the leave of a user who loses power just after the loss is announced in time, even without any frame', async () => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, began, silence }) => {
      const { people, sessionId } = await room(`emma-${attempt}`, `finn-${attempt}`);
      const [emma, finn] = people;
      stack.faults.set({ loseDisconnect: 1 });
      await direct.flushall();
      finn.cut();
      const lost = Date.now();
      // The sweep detects the loss without a frame. Afterwards the watcher sends heartbeats again, so that it does not time out.
      await eventually(
        () => direct.zscore(`presence:connections:{${sessionId}}`, `${finn.userId}:${finn.connectionId}`),
        (score) => score !== null,
      );
      stops.push(keepAlive(emma, sessionId, silence(began)));
      expect(await leaveOf(emma, finn.userId)).toBe('timeout');
      await expectWithin(Date.now() - lost, 5000, offlineMillis);
      expect((await movements(stack, sessionId)).slice(2)).toEqual([`user_timeout ${finn.userId}`]);
      await emma.expect('presence_state', { type: 'presence_sync', sessionId });
      expect(leavesOf(emma, finn.userId)).toBe(1);
    },
    restore,
  );
});

test('[FA2] if all users disconnect at the same time, their slots are given back and the audit trail is complete', async () => {
  const { people, sessionId } = await room('gina', 'hugo');
  stack.faults.set({ loseDisconnect: 1 });
  await direct.flushall();
  for (const person of people) person.cut();
  await eventually(
    () => movements(stack, sessionId),
    (seen) => seen.filter((movement) => movement.startsWith('user_timeout')).length === 2,
  );
  // The sweep gives the slots back after it has recorded the leaves.
  const slots = 'SELECT person_id FROM session_participants WHERE session_id = $1 AND left_at IS NULL';
  await eventually(
    async () => (await stack.database.query(slots, [sessionId])).rowCount,
    (held) => held === 0,
  );
});

test('[FA2][PR7] a socket that closes just after the loss gets its grace and then its leave', async () => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, began, silence }) => {
      const { people, sessionId } = await room(`iris-${attempt}`, `jack-${attempt}`);
      const [iris, jack] = people;
      for (const person of people) stops.push(keepAlive(person, sessionId, silence(began)));
      await direct.flushall();
      await jack.close();
      expect(await leaveOf(iris, jack.userId)).toBe('disconnected');
      expect((await movements(stack, sessionId)).slice(2)).toEqual([`user_left ${jack.userId}`]);
    },
    restore,
  );
});

test('[FA2][PR11] the rebuild does not restore a user who had timed out before', async () => {
  const { people, sessionId } = await room('kate', 'liam');
  const [kate, liam] = people;
  stops.push(await stayPresent(kate, sessionId));
  expect(await leaveOf(kate, liam.userId)).toBe('timeout');
  await direct.flushall();
  await kate.expect('ack', { type: 'heartbeat', sessionId });
  expect(await shownTo(kate, sessionId)).toEqual([kate.userId]);
});

test('[FA2][DE9] after the rebuild, a user who may not see cursors still gets none', async () => {
  const { owner, session } = await stack.host('mia', { isPublic: true, visibility: { cursors: 'operator' } });
  const viewer = await stack.arrive('noah');
  await viewer.expect('session_joined', { type: 'session_join', sessionId: session.id });
  await direct.flushall();
  await owner.expect('ack', { type: 'heartbeat', sessionId: session.id });
  await owner.expect('ack', { type: 'cursor_update', sessionId: session.id, cursor: { eventId: 'e', position: 3 } });
  await viewer.expect('presence_state', { type: 'presence_sync', sessionId: session.id });
  expect(viewer.framesOf('cursors')).toEqual([]);
});

test('[FA2][PR5] an invisible user stays invisible after the rebuild, on a later tab, and after a timeout', async () => {
  await whilePresent(
    offlineMillis,
    async ({ attempt, began, silence }) => {
      const { people, sessionId } = await room(`olga-${attempt}`, `paul-${attempt}`);
      const [olga, paul] = people;
      stops.push(await stayPresent(olga, sessionId));
      const paulHeard = keepAlive(paul, sessionId, silence(began));
      stops.push(paulHeard);
      await paul.expect('ack', { type: 'presence_update', sessionId, status: 'offline' });
      const tab = await stack.arrive(`paul-${attempt}`);
      await tab.expect('session_joined', { type: 'session_join', sessionId });
      const tabHeard = keepAlive(tab, sessionId, silence());
      stops.push(tabHeard);
      await heardOf([tab], sessionId);
      paulHeard();
      await paul.close();
      await direct.flushall();
      const statusOf = async () => {
        const { users } = await olga.expect('presence_state', { type: 'presence_sync', sessionId });
        return users.find((user) => user.userId === paul.userId)?.status;
      };
      expect(await statusOf()).toBe('offline');
      tabHeard();
      expect(await leaveOf(olga, paul.userId)).toBe('timeout');
      await tab.expect('ack', { type: 'heartbeat', sessionId });
      stops.push(keepAlive(tab, sessionId, silence()));
      expect(await statusOf()).toBe('offline');
      await tab.expect('ack', { type: 'presence_update', sessionId, status: 'online' });
      await direct.flushall();
      await tab.expect('ack', { type: 'heartbeat', sessionId });
      expect(await statusOf()).toBe('online');
    },
    restore,
  );
});

test('[FA2][PR5][PR16] a join that is repeated after Redis was emptied keeps the choice to be invisible and the data', async () => {
  const { people, sessionId } = await room('quinn', 'ruth');
  const [quinn, ruth] = people;
  await ruth.expect('ack', { type: 'presence_update', sessionId, status: 'offline', data: { color: 'red' } });
  await direct.flushall();
  // The answer to the first join may have been lost.
  await ruth.expect('session_joined', { type: 'session_join', sessionId });
  const { users } = await quinn.expect('presence_state', { type: 'presence_sync', sessionId });
  expect(users.find((user) => user.userId === ruth.userId)).toMatchObject({
    status: 'offline',
    data: { color: 'red' },
  });
});
