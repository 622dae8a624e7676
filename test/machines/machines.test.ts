import { randomUUID } from 'node:crypto';
import { ActivityCache } from '../../lambdas/liveness/activity-cache.ts';
import { MachineManager } from '../../lambdas/machines/machine-manager.ts';
import { MachineRepository } from '../../lambdas/machines/machine-repository.ts';
import { clampMachineTime } from '../../lambdas/machines/machine-time.ts';
import { createWorld, WatchedPool, type World } from '../liveness/support.ts';

const start = Date.UTC(2026, 5, 1, 9);
const minute = 60_000;
let world: World;
let now: number;
let cache: ActivityCache;
let manager: MachineManager;
let alice: { userId: string; username: string };
let bob: { userId: string; username: string };

beforeAll(async () => {
  world = await createWorld();
});

afterAll(() => world.drop());

beforeEach(() => {
  now = start;
  const clock = () => now;
  cache = new ActivityCache({ pool: world.pool, clock });
  manager = new MachineManager({ repository: new MachineRepository(world.pool), liveness: cache, clock });
  alice = { userId: randomUUID(), username: 'Alice' };
  bob = { userId: randomUUID(), username: 'Bob' };
});

afterEach(() => cache.shutdown());

const notFound = { name: 'RollcallError', code: 'MACHINE_NOT_FOUND' };

async function registered(owner = alice): Promise<string> {
  const machineId = `laptop-${randomUUID()}`;
  await manager.register(owner, { machineId, name: 'Laptop' });
  return machineId;
}

async function isStored({ userId }: { userId: string }): Promise<boolean> {
  const { rowCount } = await world.pool.query('SELECT FROM users WHERE id = $1', [userId]);
  return rowCount === 1;
}

async function activeAt(machineId: string): Promise<number> {
  await cache.flush();
  return (await world.liveness(machineId))!.activeAt;
}

describe('machine_register', () => {
  test('registers the machine, also for an owner who is not stored yet', async () => {
    const machineId = `m-${randomUUID()}`;
    const registration = await manager.register(alice, { machineId, name: 'Laptop', metadata: { os: 'linux' } });
    const machine = { machineId, name: 'Laptop', metadata: { os: 'linux' }, active: true, activeAt: start };
    expect(registration).toEqual({ machine, revived: false });
    expect(await manager.list(alice.userId)).toEqual([machine]);
  });

  test('a second time updates name and metadata, and never sets the time back', async () => {
    const machineId = await registered();
    now = start - minute;
    const { machine } = await manager.register(alice, { machineId, name: 'New name' });
    expect(machine).toEqual({ machineId, name: 'New name', metadata: {}, active: true, activeAt: start });
    expect(await manager.list(alice.userId)).toHaveLength(1);
  });

  test('makes an inactive machine active again and says so', async () => {
    const machineId = await registered();
    await world.pool.query('UPDATE machines SET active = false WHERE machine_id = $1', [machineId]);
    expect(await manager.register(alice, { machineId, name: 'Laptop' })).toMatchObject({ revived: true });
    expect(await manager.register(alice, { machineId, name: 'Laptop' })).toMatchObject({ revived: false });
  });

  test('with the id of another owner’s machine is MACHINE_NOT_FOUND and changes nothing', async () => {
    const machineId = await registered();
    await expect(manager.register(bob, { machineId, name: 'Stolen' })).rejects.toMatchObject(notFound);
    expect(await manager.list(alice.userId)).toMatchObject([{ name: 'Laptop' }]);
    expect(await manager.list(bob.userId)).toEqual([]);
    expect(await isStored(bob)).toBe(false);
  });

  test('if two owners register the same id at once, one of them gets it', async () => {
    const machineId = `m-${randomUUID()}`;
    const racing = [alice, bob].map((owner) => manager.register(owner, { machineId, name: owner.username }));
    const outcomes = await Promise.allSettled(racing);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const lists = [...(await manager.list(alice.userId)), ...(await manager.list(bob.userId))];
    expect(lists).toHaveLength(1);
  });

  test('text that looks like SQL is stored as it is', async () => {
    const evil = `'); DROP TABLE machines; -- $1 "${randomUUID()}"`;
    await manager.register(alice, { machineId: evil, name: evil, metadata: { [evil]: evil } });
    expect(await manager.list(alice.userId)).toMatchObject([
      { machineId: evil, name: evil, metadata: { [evil]: evil } },
    ]);
  });
});

describe('machine_list', () => {
  test('lists the own machines by name, and those of no other user', async () => {
    for (const name of ['b', 'a', 'c']) await manager.register(alice, { machineId: `${name}-${randomUUID()}`, name });
    await registered(bob);
    expect((await manager.list(alice.userId)).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

describe('machine_heartbeat', () => {
  test('is written with the next batch', async () => {
    const machineId = await registered();
    now = start + minute;
    expect(await manager.heartbeat(alice.userId, machineId)).toBe(true);
    expect(await activeAt(machineId)).toBe(start + minute);
  });

  test('for an unknown machine or another owner’s is MACHINE_NOT_FOUND', async () => {
    const machineId = await registered();
    await manager.heartbeat(alice.userId, machineId);
    now = start + minute;
    await expect(manager.heartbeat(bob.userId, machineId)).rejects.toMatchObject(notFound);
    await expect(manager.heartbeat(alice.userId, 'nothing')).rejects.toMatchObject(notFound);
    expect(await activeAt(machineId)).toBe(start);
  });

  test('while the database is away is UNAVAILABLE and not MACHINE_NOT_FOUND', async () => {
    const machineId = await registered();
    const pool = new WatchedPool(world.pool);
    const clock = () => now;
    cache = new ActivityCache({ pool, clock });
    manager = new MachineManager({ repository: new MachineRepository(pool), liveness: cache, clock });
    pool.away = true;
    now = start + minute;
    await expect(manager.heartbeat(alice.userId, machineId)).rejects.toThrow('ECONNREFUSED');
    pool.away = false;
    expect(await manager.heartbeat(alice.userId, machineId)).toBe(true);
    expect(await activeAt(machineId)).toBe(start + minute);
  });

  test('counts if the database answers again between the two queries', async () => {
    const machineId = await registered();
    const isMachineValid = jest.spyOn(cache, 'isMachineValid').mockResolvedValueOnce(false);
    now = start + minute;
    expect(await manager.heartbeat(alice.userId, machineId)).toBe(true);
    expect(isMachineValid).toHaveBeenCalledTimes(2);
  });

  test('[PR15] a time in the future becomes now', async () => {
    const machineId = await registered();
    now = start + minute;
    expect(await manager.heartbeat(alice.userId, machineId, now + 10 * minute)).toBe(true);
    expect(await activeAt(machineId)).toBe(start + minute);
  });

  test('[PR15] a time more than ten minutes ago is ignored, one of exactly ten minutes is not', async () => {
    const machineId = await registered();
    now = start + 20 * minute;
    expect(await manager.heartbeat(alice.userId, machineId, now - 10 * minute - 1)).toBe(false);
    expect(await activeAt(machineId)).toBe(start);
    expect(await manager.heartbeat(alice.userId, machineId, now - 10 * minute)).toBe(true);
    expect(await activeAt(machineId)).toBe(start + 10 * minute);
  });

  test('[PR15] times never go back', async () => {
    const machineId = await registered();
    now = start + 9 * minute;
    await manager.heartbeat(alice.userId, machineId);
    expect(await manager.heartbeat(alice.userId, machineId, start + 5 * minute)).toBe(false);
    expect(await activeAt(machineId)).toBe(start + 9 * minute);
  });

  test.each([
    [undefined, 0],
    [5, 0],
    [-600_000, -600_000],
    [-600_001, undefined],
    [1e300, 0],
    [-1e300, undefined],
    [Number.NaN, undefined],
    [-1.5, -2],
  ])('[PR15] with a time %p ms from now counts as %p', (offset, expected) => {
    const time = offset === undefined ? undefined : start + offset;
    expect(clampMachineTime(time, start)).toBe(expected === undefined ? undefined : start + expected);
  });
});
