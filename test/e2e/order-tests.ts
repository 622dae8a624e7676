import type { ServerFrame } from '../../protocol/frames.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;

type Arrived = Awaited<ReturnType<TestStack['arrive']>>;
type Frame = Record<string, unknown> & { type: string };

/** A pause in milliseconds: the rate limit accepts 20 frames per second. */
const pause = (frames: number) => new Promise((resolve) => setTimeout(resolve, frames * 50));

const isRetryable = (answer: ServerFrame) => answer.type === 'error' && answer.retryable;

/**
 * Whether functions have logged after this line number that a store was away. On a busy machine a store may be too slow for a
 * frame. The frame is then handled without it, and the sweep ends the seat of a leave that Redis did not get (rule FA1).
 */
const wasAway = (line: number) => stack.lines.slice(line).some((text) => /\b(is|was) away\b/.test(text));

/** Sends frames without waiting between them, each with the next `order`. @returns the replies. */
class Burster {
  readonly #client: Arrived;
  #order = 0;

  constructor(client: Arrived) {
    this.#client = client;
  }

  /** Undefined if a frame was refused. */
  async burst(frames: Frame[]) {
    const asked = frames.map((frame) => {
      this.#order += 1;
      return this.#client.ask({ ...frame, order: this.#order });
    });
    const answers = await Promise.all(asked);
    await pause(frames.length);
    // On a busy machine a store may be too slow for a frame. It is then refused and has no effect.
    return answers.some(isRetryable) ? undefined : answers;
  }
}

interface Room {
  sessionId: string;
  owner: Arrived;
  guest: Arrived;
}

async function openRoom(name: string): Promise<Room> {
  const { owner, session } = await stack.host(name);
  const guest = await stack.arrive(`${name}-guest`);
  await guest.expect('session_joined', { type: 'session_join', sessionId: session.id });
  return { sessionId: session.id, owner, guest };
}

/** Repeats a request while a store is too slow. */
async function askWithRetries(client: Arrived, frame: Frame): Promise<ServerFrame> {
  const answer = await client.ask(frame);
  if (!isRetryable(answer)) return answer;
  await pause(10);
  return askWithRetries(client, frame);
}

/**
 * Alternates joins and leaves, as React's StrictMode does. @returns what is wrong afterwards, compared with the last request and
 * with the last answer.
 */
async function joinAndLeave({ sessionId, guest }: Room, burster: Burster, random: SeededRandom, count: number) {
  const first = random.int(0, 1);
  const types = Array.from({ length: count }, (_, index) => ['session_join', 'session_leave'][(index + first) % 2]!);
  const answers = await burster.burst(types.map((type) => ({ type, sessionId })));
  if (!answers) return undefined;
  const sits = (await askWithRetries(guest, { type: 'presence_sync', sessionId })).type === 'presence_state';
  const told = answers.map(({ type }) => type).join();
  const wrong: string[] = [];
  if (sits !== (types.at(-1) === 'session_join')) wrong.push(`sits: ${sits} after ${types}, answered ${told}`);
  const last = answers.at(-1)!.type;
  if (last !== (sits ? 'session_joined' : 'session_left')) wrong.push(`sits: ${sits}, answered ${told}`);
  return wrong;
}

/** Sends activities, statuses and cursors. @returns what differs afterwards from the last sent values. */
async function update({ sessionId, owner, guest }: Room, burster: Burster, random: SeededRandom, count: number) {
  const sent: Record<string, unknown> = {};
  const frames = Array.from({ length: count }, (): Frame => {
    const value = random.int(1, 1e9);
    const cursor = { eventId: 'e', position: value };
    if (random.chance(0.4)) {
      sent['cursor'] = cursor;
      return { type: 'cursor_update', sessionId, cursor };
    }
    if (random.chance(0.2)) {
      sent['cursor'] = cursor;
      return { type: 'heartbeat', sessionId, cursor };
    }
    sent['activity'] = `text ${value}`;
    return { type: 'presence_update', sessionId, activity: sent['activity'] };
  });
  if (!(await burster.burst(frames))) return undefined;
  const { users } = (await askWithRetries(owner, {
    type: 'presence_sync',
    sessionId,
  })) as ServerFrame<'presence_state'>;
  const shown = users.find((user) => user.userId === guest.userId);
  return Object.entries(sent).flatMap(([field, value]) => {
    const is = JSON.stringify((shown as unknown as Record<string, unknown> | undefined)?.[field]);
    return is === JSON.stringify(value) ? [] : [`${field} is ${is}, sent last was ${JSON.stringify(value)}`];
  });
}

/** Sends `bursts` bursts of three to ten frames from four users at the same time. @returns what was wrong. */
async function wrongAfter(bursts: number): Promise<string[]> {
  const people = Array.from({ length: 4 }, (_, index) => index);
  const wrong = await Promise.all(
    people.map(async (person) => {
      const room = await openRoom(`burst${person}`);
      const burster = new Burster(room.guest);
      const random = SeededRandom.mixed(person);
      const found: string[] = [];
      let checked = stack.lines.length;
      for (let served = 0; served < bursts / people.length; ) {
        const count = random.int(3, 10);
        const isMoving = random.chance(0.5);
        if (!isMoving && !(await burster.burst([{ type: 'session_join', sessionId: room.sessionId }]))) continue;
        const wrong = await (isMoving ? joinAndLeave : update)(room, burster, random, count);
        if (!wrong || (wrong.length > 0 && wasAway(checked))) continue;
        checked = stack.lines.length;
        found.push(...wrong);
        served += 1;
      }
      return found;
    }),
  );
  return wrong.flat();
}

/** Tests on a separate stack that the last frame of each burst decides. */
export function testBursts(bursts: number, limitMillis: number): void {
  beforeAll(async () => {
    stack = await startTestStack();
  });
  afterAll(() => stack.close());

  test(
    `[PR18] after each of ${bursts} bursts of frames with \`order\`, the state is that of the last frame`,
    async () => {
      expect(await wrongAfter(bursts)).toEqual([]);
    },
    limitMillis,
  );
}

/** Tests that without `order` a join that was received after a leave has effect, and that the last activity counts. */
export function testFramesWithoutOrder(): void {
  test('[PR18] without `order`, a join that was received after a leave has effect, and the last activity counts', async () => {
    const room = await openRoom('plain');
    const { guest, owner, sessionId } = room;
    for (let round = 0; round < 40; round += 1) {
      const types = ['session_leave', 'session_join', 'session_leave', 'session_join'];
      const answers: Promise<unknown>[] = [];
      for (const type of types) {
        answers.push(guest.ask({ type, sessionId }));
        await pause(0.2);
      }
      await Promise.all(answers);
      for (const text of ['one', 'two', `three ${round}`]) {
        answers.push(guest.ask({ type: 'presence_update', sessionId, activity: text }));
        await pause(0.2);
      }
      await Promise.all(answers);
      const { users } = await owner.expect('presence_state', { type: 'presence_sync', sessionId });
      expect(users.find((user) => user.userId === guest.userId)?.activity).toBe(`three ${round}`);
      await pause(types.length + 3);
    }
  });
}
