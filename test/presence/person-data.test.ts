import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import type { OwnState } from '../../lambdas/presence/person-data.ts';
import type { PersonData } from '../../protocol/entities.ts';
import { limits } from '../../protocol/limits.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const [alice, bob] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(async () => {
  room = new PresenceFixture(redis);
  await room.enter(bob, 'b1');
});

const enter = (connectionId: string, ownState: OwnState = {}, kept?: string) => {
  const person = { username: 'Alice', role: 'viewer', ownState, kept } as const;
  return room.store.enter(room.seat(alice, connectionId), person, room.now);
};
const tell = (data: PersonData, connectionId = 'a1') =>
  room.store.touch(room.seat(alice, connectionId), { kind: 'update', data }, room.now);
const userOf = async () => (await room.users()).find(({ userId }) => userId === alice);
const recordOf = async () => JSON.parse((await redis.get(presenceKeys.record(room.sessionId, alice)))!);

/** Values that `cjson` would change, and texts that look like parts of a presence record. */
const odd = {
  number: 0.1234567890123456,
  empty: [],
  none: {},
  ',"cursor":': { ',"data":{': ',"cursor":{"x":1}}' },
  'a"b\\c': 'ü😀\n',
  deep: [[{ a: [null] }]],
};

test('[PR16] a change replaces top-level keys, null removes a key, and only changed keys are announced', async () => {
  await enter('a1');
  const first = await tell({ colour: 'teal', page: 3 });
  expect(first?.updates).toEqual([{ userId: alice, data: { colour: 'teal', page: 3 } }]);
  const second = await tell({ colour: 'teal', page: null, size: { w: 1 } });
  expect(second?.updates).toEqual([{ userId: alice, data: { page: null, size: { w: 1 } } }]);
  expect((await userOf())?.data).toEqual({ colour: 'teal', size: { w: 1 } });
  expect(await tell({ colour: 'teal', gone: null })).toMatchObject({
    updates: [],
    receivers: [],
    changedData: undefined,
  });
  await tell({ colour: null, size: null });
  expect(await userOf()).not.toHaveProperty('data');
  expect(await recordOf()).not.toHaveProperty('data');
});

test('[PR16] data keep their exact form when a cursor and other frames follow', async () => {
  await enter('a1');
  const text = '{"__proto__":{"x":1},"1e3":1}';
  await tell({ ...odd, ...(JSON.parse(text) as object), proto: JSON.parse(text) });
  await room.store.touch(room.seat(alice, 'a1'), { kind: 'cursor', cursor: { data: odd, ',"data":': 1 } }, room.now);
  await room.heartbeat(alice, 'a1');
  await tell({ more: 1 });
  const user = await userOf();
  expect(user?.data).toMatchObject({ ...odd, more: 1 });
  expect(JSON.stringify(user?.data?.['proto'])).toBe(text);
  expect(user?.cursor).toEqual({ data: odd, ',"data":': 1 });
  expect((await recordOf()).data).toMatchObject(odd);
  expect(Object.keys(user!)).not.toEqual(expect.arrayContaining(['dataSizes', 'dataAt']));
});

test('[PR16] all keys together have at most 2 KB of JSON; more is refused and changes nothing', async () => {
  await enter('a1');
  const fits = 'x'.repeat(limits.dataBytes - '{"a":""}'.length);
  await tell({ a: fits });
  await expect(tell({ b: 1 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
  await expect(enter('a2', { data: { b: 1 }, activity: 'hello' })).rejects.toMatchObject({ code: 'TOO_LARGE' });
  expect(await userOf()).toMatchObject({ data: { a: fits }, connections: 1 });
  expect(await userOf()).not.toHaveProperty('activity');
  await tell({ a: 'ü'.repeat(fits.length / 2), b: null });
  await expect(tell({ a: `${'ü'.repeat(fits.length / 2)}x` })).rejects.toMatchObject({ code: 'TOO_LARGE' });
});

test('[PR16] a join sets status, activity and data, also for a second tab', async () => {
  const first = await enter('a1', { status: 'away', activity: 'reading', data: { colour: 'teal', none: null } });
  expect(first.joins).toMatchObject([{ status: 'away', activity: 'reading', data: { colour: 'teal' } }]);
  expect(first.joins[0]?.data).not.toHaveProperty('none');
  const second = await enter('a2', { status: 'online', activity: null, data: { page: 1 } });
  const change = { userId: alice, connections: 2, status: 'online', activity: null, data: { page: 1 } };
  expect(second).toMatchObject({ joins: [], updates: [change] });
  expect(second.users.find(({ userId }) => userId === alice)?.data).toEqual({ colour: 'teal', page: 1 });
  await room.store.depart(room.seat(alice, 'a1'), 'left', room.now);
  expect((await userOf())?.data).toEqual({ colour: 'teal', page: 1 });
});

test('[PR16] the first tab of a user who is alone is told what a second tab changes by its join, but not of the join alone', async () => {
  await room.store.depart(room.seat(bob, 'b1'), 'left', room.now);
  await enter('a1', { activity: 'reading' });
  const second = await enter('a2', { activity: 'reading' });
  expect(second).toMatchObject({ updates: [{ userId: alice, connections: 2 }], receivers: [] });
  await room.store.depart(room.seat(alice, 'a2'), 'left', room.now);
  const third = await enter('a3', { activity: null });
  expect(third.updates).toEqual([{ userId: alice, connections: 2, activity: null }]);
  expect(third.receivers.map(({ connectionId }) => connectionId)).toEqual(['a1']);
  expect(third.seq).toBe(second.seq + 1);
});

test('[PR16] a user can join invisible', async () => {
  const { joins } = await enter('a1', { status: 'offline' });
  expect(joins).toMatchObject([{ userId: alice, status: 'offline' }]);
  await room.cursor(alice, 'a1', 1);
  expect(await room.statusOf(alice)).toBe('offline');
});

test('[PR16] stored data count only if Redis does not know the user', async () => {
  await enter('a1', {}, '{"colour":"teal"}');
  expect((await userOf())?.data).toEqual({ colour: 'teal' });
  await tell({ colour: 'red' });
  await enter('a1', {}, '{"colour":"teal"}');
  expect((await userOf())?.data).toEqual({ colour: 'red' });
});

test('[PR16] [PR4] a change of data is user activity and does not end a chosen status of away', async () => {
  await enter('a1');
  room.pass(100);
  await room.heartbeat(alice, 'a1', true);
  await tell({ typing: true });
  room.pass(30);
  expect(await room.statusOf(alice)).toBe('online');
  await room.update(alice, 'a1', { status: 'away' });
  await tell({ typing: false });
  expect(await room.statusOf(alice)).toBe('away');
});

test('[PR16] [FA2] a rebuilt session has the newest data of each user', async () => {
  await enter('a1', { data: { colour: 'teal' } });
  await redis.del(...(await redis.keys(`*${room.sessionId}*`)));
  const member = { userId: alice, username: 'Alice', role: 'viewer', joinedAt: room.now } as const;
  const members = [
    { ...member, connectionId: 'a1', data: '{"page":1}', dataAt: 5 },
    { ...member, connectionId: 'a2', data: '{"page":2}', dataAt: 7 },
    { ...member, connectionId: 'a3' },
  ];
  await room.store.restore(room.sessionId, members, room.now, { onlyIfLost: true });
  expect(await userOf()).toMatchObject({ connections: 3, data: { page: 2 } });
});

test('[PR16] [DE4] in a large session, the data of one window are merged by key', async () => {
  for (let index = 0; index < 51; index += 1) await room.enter(randomUUID(), `c${index}`);
  await enter('a1');
  const opening = await tell({ page: 0 });
  const endsAt = opening!.promise?.endsAt;
  room.pass(1);
  await room.heartbeat(alice, 'a1');
  await tell({ page: 1 });
  const waiting = await tell({ page: 2, colour: 'teal' });
  await tell({ colour: null });
  const promised = endsAt ?? waiting!.promise!.endsAt;
  const flushed = await room.store.flush(room.sessionId, promised, promised);
  expect(flushed.updates).toContainEqual({ userId: alice, data: { page: 2, colour: null } });
});

test('[PR16] each change of data has a higher number, even within one millisecond', async () => {
  await enter('a1');
  const [one, two] = [await tell({ a: 1 }), await tell({ a: 2 })];
  expect(one?.changedData).toEqual({ text: '{"a":1}', at: expect.any(Number), isShared: false });
  expect(two!.changedData!.at).toBeGreaterThan(one!.changedData!.at);
  await enter('a2');
  expect((await tell({ a: 3 }))?.changedData).toMatchObject({ isShared: true });
});

test('[PR16] subscribers of the channel get the changed keys', async () => {
  const listener = redis.duplicate();
  const told: unknown[] = [];
  const heard = new Promise<void>((resolve) => {
    listener.on('message', (_, text: string) => {
      told.push(JSON.parse(text));
      resolve();
    });
  });
  await enter('a1');
  await listener.subscribe(presenceKeys.channel(room.sessionId));
  await tell({ page: 3, gone: null });
  await heard;
  listener.disconnect();
  expect(told).toMatchObject([{ type: 'data', userId: alice, data: { data: { page: 3 } } }]);
});

test('[PR4] a join that chooses to be online is user activity; one that chooses to be away is not', async () => {
  await enter('a1');
  for (let minute = 0; minute < 3; minute += 1) {
    room.pass(50);
    await room.heartbeat(alice, 'a1', true);
  }
  expect((await userOf())?.status).toBe('away');
  await enter('a2', { status: 'online' });
  expect((await userOf())?.status).toBe('online');
  room.pass(50);
  const { lastActive } = (await userOf())!;
  await enter('a3', { status: 'away' });
  expect(await userOf()).toMatchObject({ status: 'away', lastActive });
});
