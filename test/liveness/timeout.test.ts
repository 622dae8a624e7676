import { activityCache } from '../../lambdas/liveness/activity-cache.ts';
import type { LivenessEvent } from '../../lambdas/liveness/liveness-settings.ts';
import { deactivateTimedOut, startTimeout, type TimeoutOptions } from '../../lambdas/liveness/timeout.ts';
import { createWorld, WatchedPool, type World } from './support.ts';

const start = Date.UTC(2026, 5, 1, 9);
const timeout = 600_000;
let world: World;
let owner: string;
let events: LivenessEvent[];
let options: TimeoutOptions;

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.drop());

beforeEach(async () => {
  await world.pool.query('TRUNCATE users, collaboration_sessions, machines CASCADE');
  owner = await world.user();
  events = [];
  options = {
    pool: world.pool,
    clock: () => start + timeout,
    emit: (event) => void events.push(event),
    intervalMillis: 5,
  };
});

/** Resolves when the condition is true after an emitted event. */
function onceEmitted(condition: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { emit } = options;
  options.emit = async (event) => {
    await emit?.(event);
    if (condition()) resolve();
  };
  return promise;
}

describe('deactivateTimedOut', () => {
  test('[LC6] deactivates after exactly ten minutes without a sign of life, and not a millisecond earlier', async () => {
    const session = await world.session(owner, start);
    const machine = await world.machine(owner, start);
    expect(await deactivateTimedOut(start + timeout - 1, options)).toEqual([]);
    const expected = [
      { type: 'session_activity', sessionId: session, active: false, activeAt: start, ownerId: owner },
      { type: 'machine_activity', machineId: machine, active: false, activeAt: start, ownerId: owner },
    ];
    expect(await deactivateTimedOut(start + timeout, options)).toEqual(expected);
    expect(events).toEqual(expected);
    expect(await world.liveness(session)).toEqual({ active: false, activeAt: start });
    expect(await world.liveness(machine)).toEqual({ active: false, activeAt: start });
  });

  test('[LC6] emits each change once, however many checks run', async () => {
    const ids = await Promise.all(Array.from({ length: 25 }, () => world.session(owner, start)));
    await Promise.all(Array.from({ length: 5 }, () => deactivateTimedOut(start + timeout, options)));
    await deactivateTimedOut(start + timeout, options);
    expect(events.map((event) => 'sessionId' in event && event.sessionId).sort()).toEqual(ids.sort());
  });

  test('[LC6] checks the time again when it locks the row, so a sign of life in between keeps it active', async () => {
    const id = await world.session(owner, start);
    const client = await world.pool.connect();
    await client.query('BEGIN');
    await client.query('UPDATE collaboration_sessions SET last_active_at = $2 WHERE id = $1', [
      id,
      new Date(start + timeout),
    ]);
    const checking = deactivateTimedOut(start + timeout, options);
    await client.query('COMMIT');
    client.release();
    expect(await checking).toEqual([]);
    expect(await world.liveness(id)).toMatchObject({ active: true });
  });

  test('[LC6] continues over many batches', async () => {
    await world.pool.query(
      `INSERT INTO machines (machine_id, owner_id, name, last_active_at)
       SELECT 'm' || n, $1, 'm', $2 FROM generate_series(1, 1201) n`,
      [owner, new Date(start)],
    );
    expect(await deactivateTimedOut(start + timeout, options)).toHaveLength(1201);
  });

  test('[SE4] does not change the lifecycle: the status of an inactive session is still active, and a sign of life makes it active again', async () => {
    const id = await world.session(owner, start);
    await deactivateTimedOut(start + timeout, options);
    const { rows } = await world.pool.query('SELECT status FROM collaboration_sessions WHERE id = $1', [id]);
    expect(rows).toEqual([{ status: 'active' }]);
    activityCache.configure(options);
    expect(await activityCache.isSessionValid(id, owner)).toBe(true);
    expect(activityCache.queueSessionUpdate(id, start + timeout)).toBe(true);
    await activityCache.shutdown();
    expect(await world.liveness(id)).toEqual({ active: true, activeAt: start + timeout });
    expect(events.map((event) => event.active)).toEqual([false, true]);
  });

  test('[LC6] an error in a listener does not affect other events', async () => {
    for (let n = 0; n < 3; n++) await world.session(owner, start);
    const emit = jest.fn(() => Promise.reject(new Error('gone')));
    expect(await deactivateTimedOut(start + timeout, { ...options, emit })).toHaveLength(3);
    expect(emit).toHaveBeenCalledTimes(3);
  });

  test('uses the options of activityCache by default', async () => {
    activityCache.configure({ ...options, livenessTimeoutMillis: 1000 });
    await world.machine(owner, start);
    expect(await deactivateTimedOut(start + 1000)).toHaveLength(1);
    expect(events).toHaveLength(1);
  });
});

describe('startTimeout', () => {
  test('[LC6] returns at once and checks periodically', async () => {
    const first = await world.session(owner, start);
    const both = onceEmitted(() => events.length === 2);
    const one = onceEmitted(() => events.length === 1);
    const running = startTimeout(options);
    expect(running).not.toBeInstanceOf(Promise);
    expect(events).toEqual([]);
    await one;
    const second = await world.machine(owner, start);
    await both;
    await running.stop();
    expect(events).toMatchObject([{ sessionId: first }, { machineId: second }]);
  });

  test('[LC6] continues after errors', async () => {
    const pool = new WatchedPool(world.pool);
    pool.away = true;
    const failed = Promise.withResolvers<void>();
    let failures = 0;
    pool.gate = { begun: () => ++failures === 3 && failed.resolve(), open: Promise.resolve() };
    await world.session(owner, start);
    const emitted = onceEmitted(() => true);
    const running = startTimeout({ ...options, pool });
    await failed.promise;
    pool.away = false;
    await emitted;
    await running.stop();
    expect(events).toHaveLength(1);
  });

  test('[LC6] stop waits for the running check and starts no other; a second stop does nothing more', async () => {
    const pool = new WatchedPool(world.pool);
    const begun = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    pool.gate = { begun: begun.resolve, open: open.promise };
    await world.session(owner, start);
    const running = startTimeout({ ...options, pool });
    await begun.promise;
    let stopped = false;
    const stopping = running.stop().then(() => {
      stopped = true;
    });
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    open.resolve();
    await stopping;
    expect(events).toHaveLength(1);
    const { statements } = pool;
    await running.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(pool.statements).toBe(statements);
  });
});
