import { Redis } from 'ioredis';
import { OwnRedis } from '../support/own-redis.ts';
import { PresenceFixture } from '../support/presence.ts';

// Many users of one session time out at the same time. The suite has its own server because it counts the commands.
let server: OwnRedis;
let redis: Redis;

beforeAll(async () => {
  server = await OwnRedis.start();
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server.kill();
});

const silentSeconds = 61;

/** A session with `people` users of `tabs` tabs each, whose presence records have expired. */
async function silentRoom(people: number, tabs = 1): Promise<PresenceFixture> {
  const room = new PresenceFixture(redis);
  for (let person = 0; person < people; person += 1) {
    for (let tab = 0; tab < tabs; tab += 1) await room.enter(`user-${person}`, `c${person}-${tab}`);
  }
  // The records expire after the timeout; here the test deletes them.
  for (const key of await redis.keys(`presence:{${room.sessionId}}:*`)) await redis.del(key);
  return room;
}

/** How often the server ran each command during the work, including the commands of scripts. */
async function commandsOf(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.config('RESETSTAT');
  await work();
  const text = await redis.info('commandstats');
  return Object.fromEntries(
    [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, calls]) => [name, Number(calls)]),
  );
}

test.each([1, 2])(
  '[PR12] if many users time out at once, a visit reads each list of the session once (%i tabs each)',
  async (tabs) => {
    const reads: (number | undefined)[] = [];
    for (const people of [60, 300]) {
      const room = await silentRoom(people, tabs);
      room.pass(silentSeconds);
      const commands = await commandsOf(async () => {
        await room.visit();
        // Each join and each leave waits in the movement journal.
        expect(await redis.llen(`presence:departed:{${room.sessionId}}`)).toBe(2 * people);
        expect(await redis.zcard(`presence:session:{${room.sessionId}}`)).toBe(0);
      });
      reads.push(commands['zrange']);
    }
    expect(reads[1]).toBe(reads[0]);
  },
);

test('[PR12] listing a session whose records are lost reads each list of the session once', async () => {
  const reads: (number | undefined)[] = [];
  for (const people of [60, 300]) {
    const room = await silentRoom(people);
    room.pass(1);
    const commands = await commandsOf(() => room.store.list(room.sessionId, room.now));
    reads.push(commands['zrange']);
  }
  expect(reads[1]).toBe(reads[0]);
});

test('[PR12] [PR9] a user whose tabs all time out leaves once, at the timeout of the last tab', async () => {
  const room = new PresenceFixture(redis);
  await room.enter('ada', 'a1');
  room.pass(2);
  await room.enter('ada', 'a2');
  const lastHeard = room.now;
  await room.enter('bob', 'b1');
  room.pass(59);
  await room.heartbeat('bob', 'b1');
  room.pass(2);
  const { leaves, departures } = await room.visit();
  expect(leaves).toEqual([{ userId: 'ada', cause: 'timeout' }]);
  expect(departures).toMatchObject([{ userId: 'ada', cause: 'timeout', at: lastHeard + 60_000 }]);
});
