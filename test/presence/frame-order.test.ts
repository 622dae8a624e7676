import { Redis } from 'ioredis';
import { isUnknown } from '../../lambdas/presence/outcome.ts';
import type { Touch } from '../../lambdas/presence/touch.ts';
import { testAddresses } from '../support/addresses.ts';
import { PresenceFixture } from '../support/presence.ts';

let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = new Redis(testAddresses.redis);
});
afterAll(() => redis.quit());
beforeEach(async () => {
  room = new PresenceFixture(redis);
  await join('ada', 'a1', 1);
  await join('bob', 'b1', 1);
});

const at = (order: number) => ({ receivedAt: room.now + order, order });
const join = (userId: string, connectionId: string, order: number) =>
  room.store.enter(room.seat(userId, connectionId), { username: userId, role: 'viewer', frame: at(order) }, room.now);
const leave = (order: number) => room.store.depart(room.seat('ada', 'a1'), 'left', room.now, at(order));
const update = (order: number | undefined, change: Omit<Touch, 'kind' | 'order'>) =>
  room.store.touch(room.seat('ada', 'a1'), { kind: 'update', ...change, order }, room.now);
const ada = async () => (await room.users()).find((user) => user.userId === 'ada');
const cursorAt = (position: number) => ({ eventId: 'event', position });

describe('[PR18] frames of one connection that are served in another order than they were sent', () => {
  test('the later text stands, and the older one is a sign of life only', async () => {
    await update(5, { activity: 'later' });
    room.pass(1);
    const late = await update(4, { activity: 'older' });
    expect(late).toMatchObject({ updates: [], leaves: [], joins: [] });
    expect(await ada()).toMatchObject({ activity: 'later', lastSeen: room.now });
    await update(6, { activity: 'latest' });
    expect(await ada()).toMatchObject({ activity: 'latest' });
  });

  test('the later status stands', async () => {
    await update(5, { status: 'offline' });
    await update(4, { status: 'online' });
    expect(await ada()).toMatchObject({ status: 'offline' });
  });

  test('the later cursor stands, whichever kind of frame brought it', async () => {
    await update(5, { cursor: cursorAt(5) });
    const late = await room.store.touch(
      room.seat('ada', 'a1'),
      { kind: 'cursor', cursor: cursorAt(4), order: 4 },
      room.now,
    );
    expect(late?.batch).toBeUndefined();
    await room.store.touch(room.seat('ada', 'a1'), { kind: 'heartbeat', cursor: cursorAt(3), order: 3 }, room.now);
    expect(await ada()).toMatchObject({ cursor: cursorAt(5) });
  });

  test('a later frame about something else takes nothing away from an older one', async () => {
    await update(9, { cursor: cursorAt(9) });
    await update(8, { activity: 'reading' });
    await update(7, { status: 'away' });
    expect(await ada()).toMatchObject({ status: 'away', activity: 'reading', cursor: cursorAt(9) });
  });

  test('an older movement does not end a status that was chosen after it', async () => {
    await update(5, { status: 'away' });
    await update(4, { cursor: cursorAt(4) });
    expect(await ada()).toMatchObject({ status: 'away', cursor: cursorAt(4) });
    await update(6, { cursor: cursorAt(6) });
    expect(await ada()).toMatchObject({ status: 'online' });
  });

  test('frames without a number are applied as they come', async () => {
    await update(5, { activity: 'numbered' });
    await update(undefined, { activity: 'without a number' });
    expect(await ada()).toMatchObject({ activity: 'without a number' });
  });

  test('each connection counts for itself', async () => {
    await join('ada', 'a2', 1);
    await update(50, { activity: 'first tab' });
    await room.store.touch(room.seat('ada', 'a2'), { kind: 'update', activity: 'second tab', order: 2 }, room.now);
    expect(await ada()).toMatchObject({ activity: 'second tab' });
  });

  test('a join that was sent before a leave does not come back after it', async () => {
    await leave(3);
    expect(isUnknown(await join('ada', 'a1', 2))).toBe(true);
    expect(await ada()).toBeUndefined();
    expect(isUnknown(await join('ada', 'a1', 4))).toBe(false);
    expect(await ada()).toBeDefined();
  });

  test('a leave that was sent before a join does not end its seat', async () => {
    await join('ada', 'a1', 4);
    expect(await leave(3)).toMatchObject({ removed: false, departures: [] });
    expect(await ada()).toBeDefined();
    expect(await leave(5)).toMatchObject({ removed: true });
  });

  test('a leave that is served before the first join of the session keeps it out', async () => {
    const empty = new PresenceFixture(redis);
    await empty.store.depart(empty.seat('ada', 'a1'), 'left', empty.now, at(3));
    const joined = await empty.store.enter(
      empty.seat('ada', 'a1'),
      { username: 'ada', role: 'viewer', frame: at(2) },
      empty.now,
    );
    expect(isUnknown(joined)).toBe(true);
  });

  test('a text from before a stay is not shown in it', async () => {
    await leave(5);
    await join('ada', 'a1', 6);
    await update(4, { activity: 'of the stay before' });
    expect(await ada()).not.toHaveProperty('activity');
  });

  test('what is kept of a connection ends with it', async () => {
    await update(5, { activity: 'here' });
    await leave(6);
    expect(await redis.hexists(`presence:rates:{${room.sessionId}}`, 'a1')).toBe(0);
    const kept = await redis.pttl(`presence:{${room.sessionId}}:order:a1`);
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThanOrEqual(60_000);
  });
});
