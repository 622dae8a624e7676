import { randomUUID } from 'node:crypto';
import { ActivityCache, activityCache } from '../../lambdas/liveness/activity-cache.ts';
import type { LivenessEvent } from '../../lambdas/liveness/liveness-settings.ts';
import { createWorld, WatchedPool, type World } from './support.ts';

const start = Date.UTC(2026, 5, 1, 9);
const seconds = (count: number) => start + count * 1000;
const kinds = ['session', 'machine'] as const;
type Kind = (typeof kinds)[number];

let world: World;
let pool: WatchedPool;
let now: number;
let events: LivenessEvent[];
let cache: ActivityCache;
let owner: string;

beforeAll(async () => {
  world = await createWorld();
  owner = await world.user();
});

afterAll(() => world.drop());

beforeEach(() => {
  pool = new WatchedPool(world.pool);
  now = start;
  events = [];
  cache = new ActivityCache({ pool, clock: () => now, emit: (event) => void events.push(event) });
});

afterEach(() => cache.shutdown());

const isValid = (kind: Kind, id: string, userId: string) =>
  kind === 'session' ? cache.isSessionValid(id, userId) : cache.isMachineValid(id, userId);
const queue = (kind: Kind, id: string, at: number) =>
  kind === 'session' ? cache.queueSessionUpdate(id, at) : cache.queueMachineUpdate(id, at);
const stop = (kind: Kind, id: string) => (kind === 'session' ? cache.stopSession(id) : cache.stopMachine(id));
const resume = (kind: Kind, id: string) => (kind === 'session' ? cache.resumeSession(id) : cache.resumeMachine(id));

/** A session or machine in the cache whose last sign of life was at the start. */
async function known(kind: Kind, active = true): Promise<string> {
  const id = await world[kind](owner, start, active);
  await isValid(kind, id, owner);
  return id;
}

describe.each(kinds)('counters of a %s', (kind) => {
  test('tell each hit, miss, beat, skipped and stopped sign of life as it happens', async () => {
    const counted: string[] = [];
    cache = new ActivityCache({ pool, clock: () => now, count: (counter) => void counted.push(counter) });
    const id = await known(kind);
    expect(counted).toEqual(['misses']);
    await isValid(kind, id, owner);
    queue(kind, id, seconds(10));
    now = seconds(31);
    queue(kind, id, now);
    await cache.flush();
    stop(kind, id);
    queue(kind, id, seconds(70));
    expect(counted).toEqual(['misses', 'hits', 'skipped', 'beats', 'stopped']);
    expect(cache.metrics).toEqual({ misses: 1, hits: 1, skipped: 1, beats: 1, stopped: 1 });
  });
});

describe.each(kinds)('validity of a %s', (kind) => {
  test('[LC1] is read from the database once and from the cache for 30 s', async () => {
    const id = await world[kind](owner, start);
    expect(await isValid(kind, id, owner)).toBe(true);
    now = seconds(29.999);
    expect(await isValid(kind, id, owner)).toBe(true);
    expect(pool.statements).toBe(1);
    now = seconds(30);
    expect(await isValid(kind, id, owner)).toBe(true);
    expect(pool.statements).toBe(2);
    expect(cache.metrics).toMatchObject({ hits: 1, misses: 2 });
  });

  test('[LC1] is never that of another user, cached or not', async () => {
    const id = await world[kind](owner, start);
    const stranger = await world.user();
    expect(await isValid(kind, id, stranger)).toBe(false);
    expect(await isValid(kind, id, owner)).toBe(true);
    expect(await isValid(kind, id, stranger)).toBe(false);
    expect(await isValid(kind, id, owner)).toBe(true);
  });

  test('[LC1] a negative answer is not cached', async () => {
    const id = randomUUID();
    expect(await isValid(kind, id, owner)).toBe(false);
    expect(await isValid(kind, id, owner)).toBe(false);
    expect(pool.statements).toBe(2);
  });

  test('[LC1] is false while the database is away, and true again after it', async () => {
    const id = await world[kind](owner, start);
    pool.away = true;
    expect(await isValid(kind, id, owner)).toBe(false);
    pool.away = false;
    expect(await isValid(kind, id, owner)).toBe(true);
  });

  test.each(['', "x' OR '1'='1", 'a\u0000b', '\ud800'])(
    '[LC1] is false for a text that cannot be an id: %j',
    async (id) => {
      expect(await isValid(kind, id, owner)).toBe(false);
      expect(await isValid(kind, randomUUID(), id)).toBe(false);
    },
  );

  test('[LC1] many calls at once are one query', async () => {
    const id = await world[kind](owner, start);
    expect(await Promise.all(Array.from({ length: 20 }, () => isValid(kind, id, owner)))).toEqual(Array(20).fill(true));
    expect(pool.statements).toBe(1);
  });
});

describe('validity of a session', () => {
  test('[LC1] is true for its participants, guests included, until they leave', async () => {
    const id = await world.session(owner, start);
    const [user, guest] = [await world.user(), randomUUID()];
    await world.pool.query('INSERT INTO session_participants (session_id, user_id) VALUES ($1, $2)', [id, user]);
    await world.pool.query('INSERT INTO session_participants (session_id, anonymous_id) VALUES ($1, $2)', [id, guest]);
    expect(await cache.isSessionValid(id, user)).toBe(true);
    expect(await cache.isSessionValid(id, guest)).toBe(true);
    await world.pool.query('UPDATE session_participants SET left_at = now(), is_active = false WHERE session_id = $1', [
      id,
    ]);
    now = seconds(31);
    expect(await cache.isSessionValid(id, user)).toBe(false);
    expect(await cache.isSessionValid(id, guest)).toBe(false);
  });

  test('[LC1] is false after the session has ended', async () => {
    const id = await world.session(owner, start);
    await world.pool.query(`UPDATE collaboration_sessions SET status = 'completed', end_time = now() WHERE id = $1`, [
      id,
    ]);
    expect(await cache.isSessionValid(id, owner)).toBe(false);
  });
});

describe.each(kinds)('signs of life of a %s', (kind) => {
  test('[LC2] count only if they are more than 30 s newer than the stored one', async () => {
    const id = await known(kind);
    expect(queue(kind, id, seconds(1))).toBe(false);
    expect(queue(kind, id, seconds(30))).toBe(false);
    expect(queue(kind, id, seconds(30) + 1)).toBe(true);
    expect(cache.metrics.skipped).toBe(2);
  });

  test('[LC2] never go back', async () => {
    const id = await known(kind);
    expect(queue(kind, id, seconds(-60))).toBe(false);
    expect(queue(kind, id, seconds(60))).toBe(true);
    expect(queue(kind, id, seconds(45))).toBe(false);
    expect(queue(kind, id, seconds(60))).toBe(false);
    await cache.flush();
    expect(await world.liveness(id)).toEqual({ active: true, activeAt: seconds(60) });
  });

  test('[LC2] never go back in the database, whatever this cache has stored', async () => {
    const id = await known(kind);
    queue(kind, id, seconds(60));
    const other = new ActivityCache({ pool });
    await (kind === 'session' ? other.isSessionValid(id, owner) : other.isMachineValid(id, owner));
    kind === 'session' ? other.queueSessionUpdate(id, seconds(120)) : other.queueMachineUpdate(id, seconds(120));
    await other.shutdown();
    await cache.flush();
    expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(120) });
  });

  test('[LC2] of a session or machine that was never validated here are refused', () => {
    expect(queue(kind, randomUUID(), seconds(60))).toBe(false);
    expect(queue(kind, '__proto__', seconds(60))).toBe(false);
  });

  test('[LC2] are refused if the time is no number', async () => {
    const id = await known(kind);
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY]) expect(queue(kind, id, time)).toBe(false);
  });

  test('[LC2] if there are many in one batch, only the newest is written', async () => {
    const id = await known(kind);
    const statements = pool.statements;
    for (let beat = 31; beat <= 60; beat++) expect(queue(kind, id, seconds(beat))).toBe(true);
    expect(pool.statements).toBe(statements);
    await cache.flush();
    expect(pool.statements).toBe(statements + 1);
    expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(60) });
    expect(queue(kind, id, seconds(90))).toBe(false);
    expect(queue(kind, id, seconds(91))).toBe(true);
  });

  test('[LC2] of an inactive one count at once and make it active again, and its owner is told once', async () => {
    const id = await known(kind, false);
    expect(queue(kind, id, seconds(1))).toBe(true);
    await cache.flush();
    expect(await world.liveness(id)).toEqual({ active: true, activeAt: seconds(1) });
    const what = kind === 'session' ? { sessionId: id } : { machineId: id };
    expect(events).toEqual([{ type: `${kind}_activity`, ...what, active: true, activeAt: seconds(1), ownerId: owner }]);
    expect(queue(kind, id, seconds(2))).toBe(false);
    queue(kind, id, seconds(40));
    await cache.flush();
    expect(events).toHaveLength(1);
  });

  test('[LC3] of a batch that failed are written with the next one', async () => {
    const id = await known(kind);
    queue(kind, id, seconds(60));
    pool.away = true;
    await cache.flush();
    expect(await world.liveness(id)).toMatchObject({ activeAt: start });
    pool.away = false;
    await cache.flush();
    expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(60) });
  });

  test('[LC3] that are newer and arrive during a write are not lost', async () => {
    const id = await known(kind);
    queue(kind, id, seconds(60));
    const begun = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    pool.gate = { begun: begun.resolve, open: open.promise };
    const writing = cache.flush();
    await begun.promise;
    expect(queue(kind, id, seconds(95))).toBe(true);
    open.resolve();
    await writing;
    expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(60) });
    pool.gate = undefined;
    await cache.flush();
    expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(95) });
  });

  test('[LC4] are ignored for a minute after a stop', async () => {
    const id = await known(kind);
    queue(kind, id, seconds(40));
    stop(kind, id);
    await cache.flush();
    expect(await world.liveness(id)).toMatchObject({ activeAt: start });
    now = seconds(59.999);
    expect(queue(kind, id, seconds(50))).toBe(false);
    expect(cache.metrics.stopped).toBe(1);
    now = seconds(60);
    expect(queue(kind, id, seconds(60))).toBe(true);
  });

  test('[LC4] count again at once after a resume', async () => {
    const id = await known(kind);
    stop(kind, id);
    resume(kind, id);
    expect(queue(kind, id, seconds(40))).toBe(true);
  });

  test('[LC4] after a stop, the cache reads the validity from the database again', async () => {
    const id = await known(kind);
    const statements = pool.statements;
    stop(kind, id);
    await isValid(kind, id, owner);
    expect(pool.statements).toBe(statements + 1);
  });

  test('[LC4] do not restore a deleted one', async () => {
    const id = await known(kind);
    queue(kind, id, seconds(60));
    await world.pool.query('DELETE FROM collaboration_sessions WHERE id::text = $1', [id]);
    await world.pool.query('DELETE FROM machines WHERE machine_id = $1', [id]);
    await cache.flush();
    expect(await world.liveness(id)).toBeUndefined();
    expect(events).toEqual([]);
  });
});

describe('a batch', () => {
  test('[LC3] writes sessions and machines together in one statement', async () => {
    const ids = [await known('session'), await known('session'), await known('machine')];
    const statements = pool.statements;
    for (const id of ids) cache.queueSessionUpdate(id, seconds(60)) || cache.queueMachineUpdate(id, seconds(60));
    await cache.flush();
    expect(pool.statements).toBe(statements + 1);
    for (const id of ids) expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(60) });
    await cache.flush();
    expect(pool.statements).toBe(statements + 1);
  });

  test('[LC3] is written after 5 s without a call', async () => {
    const id = await known('machine');
    const statements = pool.statements;
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'performance', 'queueMicrotask'] });
    try {
      queue('machine', id, seconds(60));
      jest.advanceTimersByTime(4999);
      await new Promise(setImmediate);
      expect(pool.statements).toBe(statements);
      jest.advanceTimersByTime(1);
      await new Promise(setImmediate);
      expect(pool.statements).toBe(statements + 1);
    } finally {
      jest.useRealTimers();
    }
    await cache.flush();
    expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(60) });
  });

  test('[LC4] does not make a session active that ended meanwhile', async () => {
    const id = await known('session');
    queue('session', id, seconds(60));
    await world.pool.query(
      `UPDATE collaboration_sessions SET status = 'expired', end_time = now(), active = false WHERE id = $1`,
      [id],
    );
    await cache.flush();
    expect(await world.liveness(id)).toEqual({ active: false, activeAt: start });
    expect(events).toEqual([]);
  });

  test('two processes that write the same rows in opposite order do not deadlock', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, () => world.machine(owner, start)));
    const caches = [cache, new ActivityCache({ pool })];
    await Promise.all(caches.flatMap((each) => ids.map((id) => each.isMachineValid(id, owner))));
    for (let round = 1; round <= 5; round++) {
      caches.forEach((each, place) => {
        for (const id of place ? ids : ids.toReversed()) each.queueMachineUpdate(id, seconds(round * 100 + place * 40));
      });
      await Promise.all(caches.map((each) => each.flush()));
    }
    for (const id of ids) expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(540) });
    await caches[1]!.shutdown();
  });

  test('an error in a listener has no other effect', async () => {
    cache.configure({
      pool,
      clock: () => now,
      emit: () => {
        throw new Error('gone');
      },
    });
    const ids = [await known('machine', false), await known('machine', false)];
    for (const id of ids) queue('machine', id, seconds(1));
    await cache.flush();
    for (const id of ids) expect(await world.liveness(id)).toMatchObject({ active: true });
  });

  test('[LC5] shutdown writes the pending signs of life and stops the timer; a second call does nothing more', async () => {
    const id = await known('session');
    queue('session', id, seconds(60));
    await cache.shutdown();
    expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(60) });
    const statements = pool.statements;
    await cache.shutdown();
    expect(pool.statements).toBe(statements);
    jest.useFakeTimers();
    try {
      queue('session', id, seconds(120));
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  test('[LC5] a shutdown during a write waits for its end', async () => {
    const id = await known('session');
    queue('session', id, seconds(60));
    void cache.flush();
    await cache.shutdown();
    expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(60) });
  });

  test('with a short timeout, writes are frequent enough that a session that keeps sending never times out', async () => {
    cache.configure({ pool, clock: () => now, livenessTimeoutMillis: 2000 });
    const id = await known('machine');
    expect(queue('machine', id, seconds(0.5))).toBe(false);
    expect(queue('machine', id, seconds(0.501))).toBe(true);
    expect(cache.settings.batchMillis).toBe(500);
  });

  test('the cache forgets what was not used for ten minutes', async () => {
    const id = await known('machine');
    now = seconds(601);
    await cache.flush();
    expect(queue('machine', id, seconds(601))).toBe(false);
  });
});

test('[LC1] activityCache is the cache of the process and gets its database from configure', async () => {
  const id = await world.session(owner, start);
  expect(await activityCache.isSessionValid(id, owner)).toBe(false);
  activityCache.configure({ pool: world.pool, clock: () => now });
  expect(await activityCache.isSessionValid(id, owner)).toBe(true);
  expect(activityCache.queueSessionUpdate(id, seconds(60))).toBe(true);
  await activityCache.shutdown();
  expect(await world.liveness(id)).toMatchObject({ activeAt: seconds(60) });
});
