import type { Redis } from 'ioredis';
import { diffFrames } from '../../lambdas/delivery/diff-frames.ts';
import { presenceKeys } from '../../lambdas/presence/keys.ts';
import type { CursorBatch } from '../../lambdas/presence/outcome.ts';
import { limits } from '../../protocol/limits.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

const person = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;

let redis: Redis;
let room: PresenceFixture;

beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());
beforeEach(() => {
  room = new PresenceFixture(redis);
});

async function fill(members: number): Promise<void> {
  for (let index = 1; index <= members; index += 1) await room.enter(person(index), `c${index}`);
  room.pass(5);
}

const move = (index: number, position: number) => room.cursor(person(index), `c${index}`, position);
const flush = (endsAt: number) => room.store.flush(room.sessionId, endsAt, room.now);
const positions = (batch: CursorBatch | undefined) =>
  Object.fromEntries((batch?.cursors ?? []).map(({ userId, cursor }) => [Number(userId.slice(-3)), cursor.position]));

describe('cursor windows', () => {
  test('[DE2] the first cursor after a quiet period is sent at once', async () => {
    await fill(3);
    expect(positions((await move(1, 10))?.batch)).toEqual({ 1: 10 });
    room.pass(10);
    expect(positions((await move(2, 20))?.batch)).toEqual({ 2: 20 });
  });

  test('[DE2] cursors within a window wait for its end and are sent as one frame with the latest of each user', async () => {
    await fill(3);
    await move(1, 10);
    const started = room.now;
    room.pass(0.02);
    const second = await move(1, 11);
    expect(second).toMatchObject({ batch: undefined, promise: { endsAt: started + 100 } });
    room.pass(0.02);
    expect(await move(2, 20)).toMatchObject({ batch: undefined, promise: undefined });
    room.pass(0.02);
    expect(await move(1, 12)).toMatchObject({ batch: undefined, promise: undefined });
    room.pass(0.04);
    expect(positions((await flush(started + 100)).batch)).toEqual({ 1: 12, 2: 20 });
    room.pass(0.1);
    expect(positions((await move(3, 30))?.batch)).toEqual({ 3: 30 });
  });

  test('[DE2] a late flush does not delay the next windows', async () => {
    await fill(3);
    await move(1, 10);
    const started = room.now;
    for (let window = 1; window <= 3; window += 1) {
      room.pass((started + window * 100 - 2 - room.now) / 1000);
      expect((await move(1, 10 + window))?.promise?.endsAt).toBe(started + window * 100);
      room.pass(0.001);
      await move(2, 20 + window);
      room.pass(0.005);
      expect(positions((await flush(started + window * 100)).batch)).toEqual({ 1: 10 + window, 2: 20 + window });
    }
  });

  test('[DE2] if one user moves once per window, each cursor waits less than the one before, and soon none waits', async () => {
    await fill(3);
    await move(1, 0);
    const started = room.now;
    room.pass(0.032);
    const waits: number[] = [];
    for (let step = 1; step <= 5; step += 1) {
      const moved = room.now;
      const endsAt = (await move(1, step))?.promise?.endsAt;
      if (endsAt !== undefined) {
        room.pass((endsAt - room.now) / 1000);
        await flush(endsAt);
      }
      waits.push((endsAt ?? moved) - moved);
      room.pass((moved + 100 - room.now) / 1000);
    }
    expect(started + 532).toBe(room.now);
    expect(waits).toEqual([68, 43, 18, 0, 0]);
  });

  test('[DE2] if one user moves once per window and sometimes up to 9 ms early, their cursors soon do not wait', async () => {
    await fill(3);
    const started = room.now;
    const early = [0, 0, 4, 1, 6, 0, 9, 2, 7, 0, 0, 8, 3, 9, 5, 0, 1, 9, 0, 4];
    const waited: number[] = [];
    for (const [step, sooner] of early.entries()) {
      room.pass((started + 20 + step * 100 - sooner - room.now) / 1000);
      const endsAt = (await move(1, step))?.promise?.endsAt;
      if (endsAt === undefined) continue;
      waited.push(step);
      room.pass((endsAt - room.now) / 1000);
      await flush(endsAt);
    }
    expect(waited).toEqual([2, 4, 6]);
  });

  test('[DE2] a single window is at most a quarter shorter, and on average windows keep their length', async () => {
    await fill(3);
    const started = room.now;
    const shown: number[] = [];
    for (let step = 0; room.now < started + 3000; step += 1) {
      // A second user moves too, because the rule for a single moving user differs.
      for (const index of [1, 2]) {
        const moved = await move(index, 2 * step + index);
        const endsAt = moved?.promise?.endsAt;
        if (moved?.batch) shown.push(room.now);
        if (endsAt !== undefined && endsAt < room.now) throw new Error('A window ended before it was open.');
        if (endsAt === undefined) continue;
        await move(3 - index, 2 * step + 3);
        room.pass((endsAt - room.now) / 1000);
        await flush(endsAt);
        shown.push(room.now);
      }
      room.pass([0.04, 0.11, 0.06, 0.13, 0.02][step % 5]!);
    }
    const gaps = shown.slice(1).map((at, index) => at - shown[index]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(75);
    expect(shown.length).toBeLessThanOrEqual(1 + (shown.at(-1)! - shown[0]!) / 100);
  });

  test('[DE2] a user who moves faster than the windows causes no additional frames', async () => {
    await fill(3);
    await move(1, 0);
    const started = room.now;
    const ends: number[] = [];
    for (let tick = 1; tick <= 25; tick += 1) {
      room.pass(0.02);
      const promised = ends.at(-1);
      if (promised !== undefined && promised === room.now) await flush(promised);
      const endsAt = (await move(1, tick))?.promise?.endsAt;
      if (endsAt !== undefined) ends.push(endsAt);
    }
    expect(ends.map((end) => end - started)).toEqual([100, 200, 300, 400, 500, 600]);
  });

  test('[DE2] a window ends early when max(10, members) updates wait', async () => {
    await fill(12);
    await move(1, 0);
    for (let index = 1; index <= 11; index += 1) expect((await move(index, 1 + index))?.batch).toBeUndefined();
    const early = await move(12, 13);
    expect(Object.keys(positions(early?.batch))).toHaveLength(12);
  });

  test('[DE2] ten moving users in a session of ten need about one frame per window, not ten', async () => {
    await fill(10);
    let batches = 0;
    let promised: number | undefined;
    for (let tick = 0; tick < 100; tick += 1) {
      for (let index = 1; index <= 10; index += 1) {
        const outcome = await move(index, tick * 100 + index);
        if (outcome?.batch) batches += 1;
        promised = outcome?.promise?.endsAt ?? promised;
      }
      room.pass(0.1);
      if (promised !== undefined && promised <= room.now && (await flush(promised)).batch) batches += 1;
      promised = undefined;
    }
    // 100 windows of 100 ms pass; each may send one frame at its end and one early frame.
    expect(batches).toBeLessThanOrEqual(200);
    expect(batches).toBeGreaterThanOrEqual(99);
  });

  test('[DE3] if many cursors arrive in a window at the same time, exactly one becomes its flusher', async () => {
    await fill(9);
    await move(1, 0);
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, index) => move(index + 2, 1)));
    expect(outcomes.filter((outcome) => outcome?.promise)).toHaveLength(1);
  });

  test('[DE3] only the flusher of a window can flush it, and only once', async () => {
    await fill(3);
    await move(1, 1);
    const promised = (await move(2, 2))!.promise!.endsAt;
    room.pass(0.1);
    expect((await flush(promised - 1)).batch).toBeUndefined();
    expect((await flush(promised)).batch).toBeDefined();
    expect((await flush(promised)).batch).toBeUndefined();
  });

  test('[DE3] if the flusher dies, the next cursor sends the waiting ones too', async () => {
    await fill(3);
    await move(1, 1);
    await move(2, 2);
    room.pass(0.2);
    expect(positions((await move(3, 3))?.batch)).toEqual({ 2: 2, 3: 3 });
  });

  test('[DE3] if the flusher dies and no cursor follows, the watching sweep sends the waiting cursors', async () => {
    await fill(3);
    await move(1, 1);
    const promise = (await move(2, 2))!.promise!;
    expect(promise.watch).toBe(true);
    room.pass(0.3);
    expect(positions((await flush(promise.endsAt)).batch)).toEqual({ 2: 2 });
    expect((await flush(promise.endsAt)).batch).toBeUndefined();
  });

  test('[DE3] if no sweep watches a session, a visit sends its waiting cursors and reports that it moves', async () => {
    await fill(3);
    await move(1, 1);
    await move(2, 2);
    room.pass(0.3);
    const visit = await room.visit();
    expect(positions(visit.batch)).toEqual({ 2: 2 });
    expect(visit.moves).toBe(true);
    expect((await room.visit()).batch).toBeUndefined();
    room.pass(3);
    expect((await room.visit()).moves).toBe(false);
  });

  test('[DE3] while a sweep watches a session, no cursor asks for it again, and the watch ends when no cursor moves', async () => {
    await fill(3);
    for (let seconds = 0; seconds < 30; seconds += 1) {
      await move(1, 2 * seconds);
      const told = (await move(2, 2 * seconds))?.promise;
      expect([seconds, told?.watch]).toEqual([seconds, seconds === 0]);
      room.pass(0.1);
      await flush(told!.endsAt);
      room.pass(0.9);
      // The sweep renews the watch every five seconds.
      if (seconds % 5 === 4) expect((await room.store.keepWatch(room.sessionId, room.now)).moves).toBe(true);
    }
    room.pass(3);
    expect((await room.store.keepWatch(room.sessionId, room.now)).moves).toBe(false);
    await move(1, 100);
    expect((await move(2, 101))?.promise?.watch).toBe(true);
  });

  test('[DE3] [PR12] moving cursors do not make the next visit of a session earlier', async () => {
    await fill(3);
    await move(1, 1);
    await move(2, 2);
    expect((await room.visit()).nextDeadline).toBeGreaterThan(room.now + 50_000);
  });

  test('[DE6] throttled posts make the windows longer, and without them the windows become short again', async () => {
    await fill(3);
    const failed = { isThrottled: true, movers: [] };
    await room.store.noteFailedPosts(room.sessionId, failed, room.now);
    await room.store.noteFailedPosts(room.sessionId, failed, room.now);
    await move(1, 1);
    const length = (await move(2, 2))!.promise!.endsAt - room.now;
    expect(length).toBeGreaterThan(300);
    for (let round = 0; round < 30; round += 1) {
      room.pass(1);
      await move(1, 10 + round);
    }
    expect((await move(2, 3))!.promise!.endsAt - room.now).toBe(100);
  });

  test('[DE9] only connections with the role that the session names for cursors receive them', async () => {
    const person1 = { username: 'one', role: 'operator', cursorRole: 'commenter' } as const;
    await room.store.enter(room.seat(person(1), 'c1'), person1, room.now);
    await room.enter(person(2), 'c2', 'viewer');
    await room.enter(person(3), 'c3', 'commenter');
    const receivers = (await move(1, 1))?.batch?.receivers.map((receiver) => receiver.connectionId);
    expect(receivers?.sort()).toEqual(['c1', 'c3']);
    await room.store.changeRole(room.sessionId, person(2), 'commenter', room.now);
    room.pass(1);
    expect((await move(1, 2))?.batch?.receivers).toHaveLength(3);
  });

  test('[DE9] a snapshot has the cursors of others only for roles that may see them', async () => {
    const owner = { username: 'one', role: 'operator', cursorRole: 'commenter' } as const;
    await room.store.enter(room.seat(person(1), 'c1'), owner, room.now);
    await room.enter(person(2), 'c2', 'viewer');
    await move(1, 1);
    await move(2, 2);
    const seenBy = async (index: number) => {
      const listed = await room.store.list(room.sessionId, room.now, room.seat(person(index), `c${index}`));
      return listed?.users.filter((user) => user.cursor).map((user) => user.userId);
    };
    expect(await seenBy(1)).toEqual([person(1), person(2)]);
    expect(await seenBy(2)).toEqual([person(2)]);
    const again = await room.enter(person(3), 'c3', 'viewer');
    expect(again.users.filter((user) => user.cursor)).toEqual([]);
  });
});

describe('diffs of large sessions', () => {
  test('[DE4] in a session of up to fifty members a change is sent at once', async () => {
    await fill(50);
    await room.update(person(1), 'c1', { status: 'away' });
    expect((await room.update(person(2), 'c2', { status: 'away' }))?.updates).toHaveLength(1);
  });

  test('[DE4] above fifty members, changes are merged into one diff per window, none is lost and the numbers have no gap', async () => {
    await fill(53);
    const first = await room.update(person(1), 'c1', { status: 'away' });
    expect(first).toMatchObject({ updates: [{ userId: person(1), status: 'away' }] });
    const second = await room.update(person(2), 'c2', { status: 'away' });
    expect(second).toMatchObject({ updates: [], receivers: [] });
    await room.update(person(2), 'c2', { activity: 'typing' });
    await room.store.depart(room.seat(person(3), 'c3'), 'left', room.now);
    await room.enter(person(60), 'c60');
    await room.enter(person(61), 'c61');
    await room.store.depart(room.seat(person(61), 'c61'), 'left', room.now);
    room.pass(0.1);
    const merged = await flush(second!.promise!.endsAt);
    expect(merged.seq).toBe(first!.seq + 1);
    expect(merged.updates).toEqual([{ userId: person(2), status: 'online', activity: 'typing' }]);
    expect(merged.joins.map((user) => user.userId)).toEqual([person(60)]);
    expect(merged.leaves).toEqual([
      { userId: person(3), cause: 'left' },
      { userId: person(61), cause: 'left' },
    ]);
    expect(merged.receivers).toHaveLength(53);
  });

  test('[DE4] a user who leaves and returns within a window is in the diff as a leave and a join', async () => {
    await fill(52);
    await room.update(person(1), 'c1', { status: 'away' });
    const left = await room.store.depart(room.seat(person(2), 'c2'), 'left', room.now);
    await room.enter(person(2), 'c2b');
    room.pass(0.1);
    const merged = await flush(left.promise!.endsAt);
    expect(merged.leaves).toEqual([{ userId: person(2), cause: 'left' }]);
    expect(merged.joins).toMatchObject([{ userId: person(2), connections: 1 }]);
  });

  test('[FA2] [DE4] if the record of a user who left and returned within a window is evicted, nobody is told of a leave', async () => {
    await fill(52);
    await room.update(person(1), 'c1', { status: 'away' });
    const left = await room.store.depart(room.seat(person(2), 'c2'), 'left', room.now);
    await room.enter(person(2), 'c2b');
    await redis.del(presenceKeys.record(room.sessionId, person(2)));
    room.pass(0.1);
    expect(await flush(left.promise!.endsAt)).toMatchObject({ leaves: [], joins: [], receivers: [] });
    // The next frame restores the session under a new epoch, so every client asks for a snapshot.
    expect(await room.heartbeat(person(1), 'c1')).toBeUndefined();
  });

  test('[DE3] [DE4] a change that is sent between the end of a window and its late flush leaves the waiting cursors to the flush', async () => {
    await fill(52);
    room.pass(1);
    await move(1, 10);
    room.pass(0.02);
    const promise = (await move(1, 11))?.promise;
    room.pass((promise!.endsAt + 5 - room.now) / 1000);
    const { leaves } = await room.store.depart(room.seat(person(9), 'c9'), 'left', room.now);
    expect(leaves).toEqual([{ userId: person(9), cause: 'left' }]);
    expect(positions((await flush(promise!.endsAt)).batch)).toEqual({ 1: 11 });
  });

  test('[DE7] a diff that is too large for one frame has several numbers', async () => {
    await fill(51);
    await room.update(person(1), 'c1', { status: 'away' });
    let endsAt = 0;
    for (let index = 2; index <= 51; index += 1) {
      const update = await room.update(person(index), `c${index}`, { activity: 'x'.repeat(200) });
      endsAt = update?.promise?.endsAt ?? endsAt;
    }
    for (let index = 100; index < 200; index += 1) await room.enter(person(index), `c${index}`);
    room.pass(0.1);
    const before = (await room.store.list(room.sessionId, room.now - 100))!.seq;
    const merged = await flush(endsAt);
    expect(merged.parts).toBeGreaterThan(1);
    expect(merged.seq).toBe(before + merged.parts);
  });
});

test('[DE7] if hundreds of users leave at once, each frame of the diff is within the size limit', async () => {
  await fill(600);
  room.pass(30);
  await room.heartbeat(person(1), 'c1');
  room.pass(30);
  const { leaves, joins, updates, parts, epoch, seq } = await room.visit();
  expect(leaves).toHaveLength(599);
  const frames = diffFrames({ sessionId: room.sessionId, epoch, seq, joins, updates, leaves }, parts);
  for (const frame of frames) expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThanOrEqual(limits.messageBytes);
});

describe('rate limit', () => {
  test('a connection may send sixty frames at once and twenty per second; other connections are not affected', async () => {
    await fill(2);
    for (let frame = 0; frame < 60; frame += 1) await move(1, frame);
    await expect(move(1, 60)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMillis: 50 });
    await expect(room.heartbeat(person(2), 'c2')).resolves.toBeDefined();
    room.pass(1);
    for (let frame = 0; frame < 20; frame += 1) await move(1, 100 + frame);
    await expect(move(1, 200)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  });

  test('users whom a service makes present without a connection do not share a limit', async () => {
    const seat = (index: number) => room.seat(person(index), '');
    for (let index = 1; index <= 100; index += 1) {
      await room.enter(person(index), '');
      await expect(room.store.touch(seat(index), { kind: 'heartbeat' }, room.now)).resolves.toBeDefined();
    }
  });

  test('a frame over the limit changes nothing', async () => {
    await fill(2);
    for (let frame = 0; frame < 60; frame += 1) await move(1, frame);
    const before = await room.users();
    await expect(room.update(person(1), 'c1', { status: 'away' })).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(await room.users()).toEqual(before);
  });
});

describe('the compact form', () => {
  test('[DE8] a cursor is sent as a whole at first and when more than its numbers changed, even after waiting', async () => {
    await fill(3);
    const act = (cursor: { eventId: string; position: number }) =>
      room.store.touch(room.seat(person(1), 'c1'), { kind: 'cursor', cursor }, room.now);
    expect((await act({ eventId: 'a', position: 1 }))?.batch?.cursors).toMatchObject([{ index: 1, whole: true }]);
    room.pass(1);
    expect((await act({ eventId: 'a', position: 2 }))?.batch?.cursors).toMatchObject([{ index: 1, whole: false }]);
    const promise = (await act({ eventId: 'b', position: 2 }))?.promise;
    await act({ eventId: 'b', position: 3 });
    room.pass(0.1);
    expect((await flush(promise!.endsAt)).batch?.cursors).toMatchObject([{ whole: true, cursor: { position: 3 } }]);
  });

  test('[DE8] receivers that asked for the compact form are marked while they are in the session', async () => {
    await fill(2);
    const compact = { username: 'three', role: 'viewer', compact: true } as const;
    await room.store.enter(room.seat(person(3), 'c3'), compact, room.now);
    const receivers = (await move(1, 1))?.batch?.receivers ?? [];
    expect(receivers.filter((receiver) => receiver.compact)).toEqual([
      { userId: person(3), connectionId: 'c3', compact: true },
    ]);
    await room.store.depart(room.seat(person(3), 'c3'), 'left', room.now);
    await room.store.enter(room.seat(person(3), 'c3'), { username: 'three', role: 'viewer' }, room.now);
    room.pass(1);
    expect((await move(1, 2))?.batch?.receivers.some((receiver) => receiver.compact)).toBe(false);
  });

  test('[DE8] a connection that joins again without asking for the compact form gets JSON', async () => {
    await fill(2);
    const person3 = { username: 'three', role: 'viewer' } as const;
    for (const compact of [true, false]) {
      await room.store.enter(room.seat(person(3), 'c3'), { ...person3, compact }, room.now);
      room.pass(1);
      const receivers = (await move(1, compact ? 1 : 2))?.batch?.receivers ?? [];
      expect(receivers.some((receiver) => receiver.compact)).toBe(compact);
    }
  });
});
