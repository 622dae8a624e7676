import { Redis } from 'ioredis';
import { presenceKeys, scriptKeys } from '../../lambdas/presence/keys.ts';
import cursorFastPath from '../../lambdas/presence/scripts/cursor-fast-path.lua';
import { commandName, presenceScripts } from '../../lambdas/presence/scripts/scripts.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { OwnRedis } from '../support/own-redis.ts';
import { PresenceFixture } from '../support/presence.ts';

/** A Redis server of its own for the tests of a file, and connections to it that end with them. */
export function ownRedis(): { connect(): Redis } {
  let server: OwnRedis;
  const clients: Redis[] = [];
  beforeAll(async () => {
    server = await OwnRedis.start();
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await server.kill();
  });
  return {
    connect() {
      const client = new Redis(server.url);
      clients.push(client);
      return client;
    },
  };
}

export const everybody = ['ada', 'bob', 'cyd', 'dan', 'eve', 'flo'];
/** The keys of a session that Redis may evict. */
const evictable = [
  'users',
  'connections',
  'active',
  'cursors',
  'window',
  'pending',
  'rates',
  'tags',
  'orders',
  'epoch',
] as const;

/** A room, its published events and its state, with random names replaced by fixed ones. */
export class RecordedRoom extends PresenceFixture {
  readonly published: string[] = [];
  readonly redis: Redis;
  readonly #epochs: string[] = [];
  readonly #listener: Redis;

  /** @param listener a connection that subscribes to the events of the room. */
  constructor(redis: Redis, listener: Redis) {
    super(redis, { HEARTBEAT_TIMEOUT_SECONDS: '30', BATCH_MAX_MESSAGES: '2' });
    this.redis = redis;
    this.#listener = listener;
  }

  async listen(): Promise<void> {
    this.#listener.on('message', (_, message: string) => this.published.push(this.plain(message)));
    await this.#listener.subscribe(presenceKeys.channel(this.sessionId));
  }

  plain(value: unknown): string {
    return JSON.stringify(value ?? null)
      .replaceAll(this.sessionId, 'session')
      .replaceAll(/\b[0-9a-f]{12}\b/g, (epoch) => {
        if (!this.#epochs.includes(epoch)) this.#epochs.push(epoch);
        return `epoch ${this.#epochs.indexOf(epoch)}`;
      });
  }

  /** All values that Redis holds for the session. */
  async state(): Promise<string[]> {
    const keys = (await this.redis.keys(`*${this.sessionId}*`)).sort();
    const found = await Promise.all(keys.map(async (key) => [key, await this.#read(key)]));
    return found.map((each) => this.plain(each));
  }

  async #read(key: string): Promise<unknown> {
    const type = await this.redis.type(key);
    if (type === 'hash') return Object.entries(await this.redis.hgetall(key)).sort();
    if (type === 'zset') return this.redis.zrange(key, '0', '-1', 'WITHSCORES');
    if (type === 'list') return this.redis.lrange(key, 0, -1);
    if (type === 'set') return (await this.redis.smembers(key)).sort();
    const text = (await this.redis.get(key))!;
    return text.startsWith('{') ? Object.entries(JSON.parse(text) as object).sort() : text;
  }
}

type Step = (room: RecordedRoom) => Promise<unknown>;

/** A random event in a room; in most cases a cursor moves. */
function randomStep(random: SeededRandom, people: readonly string[], position: number): Step {
  const [user, tab] = [random.one(people), random.chance(0.2) ? 'b' : 'a'];
  const connection = `${user}-${tab}`;
  const eventId = random.chance(0.05) ? 'other' : 'event';
  const moved = random.chance(0.05) ? position - 1 : position;
  const ends = random.chance(0.02);
  // Up to three later frames of the same connection were handled before some frames.
  const order = position - (random.chance(0.2) ? random.int(1, 3) : 0);
  const turn = random.one([{ order }, { order }, { receivedAt: order }, undefined]);
  // If Redis does not know the user, they take a seat again, as in the use cases.
  const move: Step = async (room) => {
    const cursor = ends ? null : { eventId, position: moved };
    const touch = { kind: 'cursor', cursor, turn } as const;
    return (await room.store.touch(room.seat(user, connection), touch, room.now)) ?? room.enter(user, connection);
  };
  const chance = random.int(0, 199);
  if (chance < 4) return (room) => room.enter(user, connection);
  if (chance < 6) return (room) => room.close(user, connection);
  if (chance > 195) return (room) => room.store.depart(room.seat(user, connection), 'left', room.now);
  if (chance < 9) return (room) => room.heartbeat(user, connection, chance === 8);
  if (chance < 13) {
    const status = random.one(['online', 'away', 'offline', undefined] as const);
    const said = status ? { status } : { activity: `"last":1, ${position}` };
    return (room) => room.store.touch(room.seat(user, connection), { kind: 'update', ...said, turn }, room.now);
  }
  if (chance < 15) return (room) => room.visit();
  if (chance < 18) {
    const name = random.one(evictable);
    return (room) => room.redis.del(presenceKeys[name](room.sessionId));
  }
  if (chance < 19) return (room) => room.redis.del(presenceKeys.record(room.sessionId, user));
  return move;
}

/**
 * The test that the fast path of a cursor and the general path do the same. Random events happen in two rooms, one for each path.
 *
 * @param cases how many people a room has, and the seed of the events.
 */
export function testPathsAreEqual(
  redis: { connect(): Redis },
  cases: readonly (readonly [people: number, seed: number])[],
): void {
  const { connect } = redis;
  test.each(cases)(
    'the fast path of a cursor has the same effects and replies as the general path (%i people, seed %i)',
    async (count, seed) => {
      const people = everybody.slice(0, count);
      const fast = new RecordedRoom(connect(), connect());
      const client = connect();
      const generalPath = presenceScripts.touch.replace(cursorFastPath, '');
      expect(generalPath).not.toBe(presenceScripts.touch);
      client.defineCommand(commandName('touch'), { numberOfKeys: scriptKeys('').length, lua: generalPath });
      const general = new RecordedRoom(client, connect());
      general.now = fast.now;
      await Promise.all([fast.listen(), general.listen()]);
      for (const room of [fast, general]) for (const user of people) await room.enter(user, `${user}-a`);

      const random = SeededRandom.mixed(seed);
      let promised: number | undefined;
      for (let position = 1; position <= 1500; position += 1) {
        const millis = random.chance(0.02) ? random.int(100, 70_000) : random.int(0, 12);
        const step = randomStep(random, people, position);
        const answers: string[] = [];
        for (const room of [fast, general]) {
          room.now += millis;
          const due = promised !== undefined && room.now >= promised;
          const flushed = due && (await room.store.flush(room.sessionId, promised!, room.now));
          const answer = await step(room).catch((error: Error) => error.message);
          answers.push(room.plain([flushed, answer]));
        }
        expect([position, answers[0]]).toEqual([position, answers[1]]);
        promised = promiseIn(answers[0]!) ?? (promised !== undefined && fast.now >= promised ? undefined : promised);
        if (position % 10 === 0) expect(await fast.state()).toEqual(await general.state());
      }
      expect(fast.published).toEqual(general.published);
      expect(fast.published.length).toBeGreaterThan(500);
    },
  );
}

function promiseIn(answers: string): number | undefined {
  const ends = [...answers.matchAll(/"promise":\{"endsAt":(\d+)/g)].at(-1)?.[1];
  return ends === undefined ? undefined : Number(ends);
}
