import { setTimeout as pause } from 'node:timers/promises';
import { createClientIn } from '../../client/client.ts';
import type { Client, Session } from '../../client/index.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { tokenOf } from '../support/client.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';
import { expectWithin, scaleSettings, timeLimits } from '../support/time-limits.ts';
import { DisturbedDevice } from './disturbed-device.ts';

// A thousand joins that race, in rounds, with the real client and real sockets on the real stack, while sockets break and posts fail.

const crowd = 40;
const rounds = 25;
/** The share of posts that the gateway refuses while the users join. */
const refusedPosts = 0.03;

const settings = scaleSettings({ PRESENCE_UPDATE_SECONDS: '15', HEARTBEAT_TIMEOUT_SECONDS: '45' });
const heartbeatMillis = Number(settings.PRESENCE_UPDATE_SECONDS) * 1000;

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack(settings);
});
afterAll(() => stack?.close());

interface Person {
  name: string;
  client: Client;
  device: DisturbedDevice;
  session: Session;
}

function arrive(name: string, key: string): Person {
  const device = new DisturbedDevice();
  const token = async () => (await tokenOf(stack, name)).token;
  const client = createClientIn(device.environment, { url: stack.websocket, token });
  return { name, client, device, session: client.open(key) };
}

const listOf = ({ session }: Person) => session.users.map(({ userId }) => userId).sort();

test.each(Array.from({ length: rounds }, (_, round) => round))(
  `[row 17] round %i of a thousand racing joins: every list of ${crowd} clients is the list of the service within one heartbeat`,
  async (round) => {
    const random = SeededRandom.mixed(round);
    stack.posts.refuse = () => {
      if (!random.chance(refusedPosts)) return undefined;
      return random.chance(0.5) ? 429 : 500;
    };
    const people = Array.from({ length: crowd }, (_, index) => arrive(`user${round}-${index}`, `racing-${round}`));
    try {
      const joins = people.map(async ({ session, device }) => {
        // Some sockets break in the handshake, some in the join, and some right after it.
        const breaks = random.chance(0.3) ? random.int(0, 1500) : undefined;
        if (breaks !== undefined) void pause(breaks).then(() => device.breakSockets());
        // On a busy machine the first ten seconds may not be enough; then the client continues to try.
        await session.ready.catch(() => session.ready);
        if (random.chance(0.2)) device.breakSockets();
      });
      await Promise.all(joins);
      stack.posts.refuse = () => undefined;
      await until(() => people.every(({ session }) => session.state === 'joined'), timeLimits.event);
      const all = people.map(({ client }) => client.self!.userId).sort();
      const isWhole = () => people.every((person) => listOf(person).join() === all.join());
      await expectWithin(await until(isWhole, heartbeatMillis + timeLimits.event), 2000, heartbeatMillis);
      const asker = await stack.arrive(`asker${round}`);
      const sessionId = people[0]!.session.id;
      const { users } = await asker.expect('session_joined', { type: 'session_join', sessionId });
      expect(users.map(({ userId }) => userId).sort()).toEqual([...all, asker.userId].sort());
      await asker.close();
      process.stderr.write(`racing joins: round ${round + 1} of ${rounds} has ${all.length} users in every list\n`);
    } finally {
      stack.posts.refuse = () => undefined;
      for (const { client, device } of people) {
        client.close();
        device.close();
      }
    }
  },
);

/** @returns after how many milliseconds the condition was met. */
async function until(condition: () => boolean, millis: number): Promise<number> {
  const begun = performance.now();
  while (!condition()) {
    if (performance.now() - begun > millis) throw new Error(`The condition was not met within ${millis} ms.`);
    await pause(20);
  }
  return performance.now() - begun;
}
