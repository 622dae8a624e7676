import type { Redis } from 'ioredis';
import { cursorPosts } from '../../lambdas/delivery/cursor-frames.ts';
import { hasNews, type PresenceOutcome } from '../../lambdas/presence/outcome.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { PresenceFixture } from '../support/presence.ts';
import { connectRedis } from '../support/redis.ts';

let redis: Redis;
beforeAll(() => {
  redis = connectRedis();
});
afterAll(() => redis.quit());

/** A room that counts the posts that the product sends for the outcomes of its scripts. */
class CountedRoom extends PresenceFixture {
  posts = 0;
  /** Ends of windows that somebody has to flush. */
  promised: number[] = [];

  tell(outcome: PresenceOutcome | undefined): void {
    if (!outcome) return;
    if (outcome.batch) this.posts += cursorPosts(this.sessionId, outcome.batch).length;
    if (hasNews(outcome)) this.posts += outcome.receivers.length * outcome.parts;
    if (outcome.promise) this.promised.push(outcome.promise.endsAt);
  }

  async fill(users: number): Promise<void> {
    for (let user = 0; user < users; user += 1) this.tell(await this.enter(`u${user}`, `c${user}`, 'operator'));
  }

  async move(user: number, position: number): Promise<void> {
    this.tell(await this.cursor(`u${user}`, `c${user}`, position));
  }

  /** Lets time pass, and flushes the windows that end meanwhile. */
  async wait(millis: number): Promise<void> {
    const until = this.now + millis;
    for (let endsAt = this.promised.shift(); endsAt !== undefined; endsAt = this.promised.shift()) {
      if (endsAt > until) {
        this.promised.unshift(endsAt);
        break;
      }
      this.now = Math.max(this.now, endsAt);
      this.tell(await this.store.flush(this.sessionId, endsAt, this.now));
    }
    this.now = until;
  }

  /** Visits as a sweep does; its posts count, too. */
  async sweep(restraint = 1) {
    const visit = await this.store.visit(this.sessionId, this.now, restraint);
    this.tell(visit);
    this.posts += visit.spending.pace?.receivers.length ?? 0;
    return visit;
  }
}

describe('[CO3] the meter of a session', () => {
  test.each([1, 2, 3])('counts exactly the messages, posts and answers of random steps (seed %i)', async (seed) => {
    const random = new SeededRandom(seed);
    const room = new CountedRoom(redis);
    await room.fill(6);
    let [received, answers, metered] = [6, 6, [0, 0] as [number, number]];
    for (let step = 0; step < 400; step += 1) {
      const user = random.below(6);
      const kind = random.below(10);
      received += 1;
      if (kind < 6) await room.move(user, step);
      else if (kind < 7) room.tell(await room.heartbeat(`u${user}`, `c${user}`));
      else if (kind < 8) {
        answers += 1;
        room.tell(await room.update(`u${user}`, `c${user}`, { activity: `step ${step}` }));
      } else if (kind < 9) {
        answers += 1;
        await room.store.notice(room.seat(`u${user}`, `c${user}`), room.now);
      } else {
        const addressed = await room.store.address(room.seat(`u${user}`, `c${user}`), undefined, room.now);
        room.posts += addressed!.receivers.length;
      }
      await room.wait(random.below(200) + 50);
      if (step % 50 === 0) metered = plus(metered, (await room.sweep(random.below(2) === 0 ? 1 : 20)).spending);
    }
    await room.wait(60_000);
    metered = plus(metered, (await room.sweep()).spending);
    metered = plus(metered, (await room.sweep()).spending);
    expect(metered).toEqual([received, room.posts + answers]);
  });

  test('counts the messages over the rate limit, because AWS bills them', async () => {
    const room = new CountedRoom(redis);
    await room.fill(1);
    let refused = 0;
    for (let frame = 0; frame < 80; frame += 1) await room.move(0, frame).catch(() => (refused += 1));
    expect(refused).toBeGreaterThan(10);
    expect((await room.sweep()).spending.received).toBe(1 + 80);
  });

  test('reports each message once, also when it is reported by the watch of the windows', async () => {
    const room = new CountedRoom(redis);
    await room.fill(2);
    expect((await room.store.keepWatch(room.sessionId, room.now)).spending.received).toBe(2);
    expect((await room.sweep()).spending.received).toBe(0);
  });

  test('counts a frame of cursors over 32 KB as several messages', async () => {
    const room = new CountedRoom(redis);
    await room.fill(50);
    await room.sweep();
    const before = room.posts;
    for (let user = 0; user < 50; user += 1) {
      const cursor = { eventId: 'e', text: 'x'.repeat(900) };
      const seat = room.seat(`u${user}`, `c${user}`);
      room.tell(await room.store.touch(seat, { kind: 'cursor', cursor }, room.now));
    }
    await room.wait(1000);
    const { sent } = (await room.sweep()).spending;
    expect(room.posts - before).toBeGreaterThan(100);
    expect(sent / (room.posts - before)).toBeCloseTo(1, 1);
  });
});

function plus([received, sent]: [number, number], more: { received: number; sent: number }): [number, number] {
  return [received + more.received, sent + more.sent];
}

describe('[CO4] under a restraint', () => {
  let room: CountedRoom;
  beforeEach(async () => {
    room = new CountedRoom(redis);
    await room.fill(10);
    await room.wait(5000);
  });

  /** All users move every 100 ms. @returns the posts. */
  async function moveFor(seconds: number): Promise<number> {
    const before = room.posts;
    for (let step = 0; step < seconds * 10; step += 1) {
      for (let user = 0; user < 10; user += 1) await room.move(user, room.now + step);
      await room.wait(100);
    }
    return room.posts - before;
  }

  test('windows widen, cursors thin out, and the usual rate returns with the end of the restraint', async () => {
    const usual = await moveFor(3);
    await room.sweep(5);
    const wide = await moveFor(5);
    await room.sweep(50);
    await room.wait(1000);
    const thin = await moveFor(20);
    expect(usual / 3).toBeGreaterThan(80);
    expect(wide / 5).toBeLessThan(usual / 3 / 3);
    expect(wide).toBeGreaterThan(0);
    expect(thin / 20).toBeLessThan(3);
    expect(thin).toBeGreaterThanOrEqual(30);
    await room.sweep(1);
    await moveFor(5);
    expect((await moveFor(3)) / usual).toBeGreaterThan(0.8);
  });

  test('a restraint that no sweep renews ends', async () => {
    await room.sweep(50);
    for (let step = 0; step < 10; step += 1) {
      await room.wait(10_000);
      for (let user = 0; user < 10; user += 1) await room.heartbeat(`u${user}`, `c${user}`);
    }
    expect(await moveFor(2)).toBeGreaterThan(150);
  });

  test('joins and leaves are told within a second, and the order of changes is kept', async () => {
    await room.sweep(100);
    await moveFor(2);
    room.tell(await room.update('u1', 'c1', { activity: 'early' }));
    await room.wait(1100);
    const told: PresenceOutcome[] = [];
    const listen = room.tell.bind(room);
    room.tell = (outcome) => {
      if (outcome && hasNews(outcome)) told.push(outcome);
      listen(outcome);
    };
    room.tell(await room.enter('new', 'c-new'));
    room.tell(await room.store.depart(room.seat('u9', 'c9'), 'left', room.now));
    await room.wait(1000);
    expect(told.flatMap(({ joins }) => joins.map(({ userId }) => userId))).toEqual(['new']);
    expect(told.flatMap(({ leaves }) => leaves.map(({ userId }) => userId))).toEqual(['u9']);
    expect(told.flatMap(({ updates }) => updates)).toContainEqual(expect.objectContaining({ activity: 'early' }));
  });

  test('changed fields and cursors that were held back are sent, although no frame comes any more', async () => {
    await room.sweep(50);
    await room.wait(1000);
    await moveFor(1);
    const told: PresenceOutcome[] = [];
    room.tell(await room.update('u1', 'c1', { activity: 'last' }));
    await room.wait(6000);
    told.push(await room.sweep(50));
    expect(told[0]!.batch?.cursors).toHaveLength(10);
    expect(told[0]!.updates).toContainEqual(expect.objectContaining({ userId: 'u1', activity: 'last' }));
  });

  test('the clients are told the pace: at once, again for those who join, and when it ends', async () => {
    expect((await room.sweep(50)).spending.pace).toMatchObject({ cursorMillis: 5000 });
    expect((await room.sweep(50)).spending.pace).toBeUndefined();
    await room.wait(20_000);
    expect((await room.sweep(50)).spending.pace?.receivers).toHaveLength(10);
    expect((await room.sweep(1)).spending.pace).toMatchObject({ cursorMillis: 100 });
    expect((await room.sweep(1)).spending.pace).toBeUndefined();
  });
});

describe('[CO4] with SESSION_POSTS_PER_SECOND a session causes no more posts', () => {
  const limit = 20;
  let room: CountedRoom;
  beforeEach(async () => {
    room = new CountedRoom(redis, { SESSION_POSTS_PER_SECOND: String(limit) });
    await room.fill(10);
    await room.wait(10_000);
  });

  test('by cursors', async () => {
    const before = room.posts;
    for (let step = 0; step < 100; step += 1) {
      for (let user = 0; user < 10; user += 1) await room.move(user, step);
      await room.wait(100);
    }
    expect((room.posts - before) / 10).toBeLessThanOrEqual(limit * 1.2);
    expect(room.posts - before).toBeGreaterThan(50);
  });

  test('and the clients are told how far apart the cursors are sent', async () => {
    const slow = new CountedRoom(redis, { SESSION_POSTS_PER_SECOND: '4' });
    await slow.fill(10);
    expect((await slow.sweep()).spending.pace).toMatchObject({ cursorMillis: 2500 });
    expect((await slow.sweep()).spending.pace).toBeUndefined();
  });

  test('by broadcasts, which are refused', async () => {
    const before = room.posts;
    let refused = 0;
    for (let step = 0; step < 100; step += 1) {
      try {
        const { receivers } = (await room.store.address(room.seat('u1', 'c1'), undefined, room.now))!;
        room.posts += receivers.length;
      } catch (error) {
        expect(error).toMatchObject({ code: 'RATE_LIMITED' });
        refused += 1;
      }
      await room.wait(100);
    }
    expect((room.posts - before) / 10).toBeLessThanOrEqual(limit * 1.2);
    expect(refused).toBeGreaterThan(50);
  });

  test('by changed fields, which are merged into at most one frame a second', async () => {
    const before = room.posts;
    for (let step = 0; step < 100; step += 1) {
      const user = step % 10;
      room.tell(await room.update(`u${user}`, `c${user}`, { activity: `step ${step}` }));
      await room.wait(100);
    }
    expect((room.posts - before) / 10).toBeLessThanOrEqual(2 * limit);
  });
});
