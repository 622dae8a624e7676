import type { ServerFrame } from '../../protocol/frames.ts';
import { Dice } from '../simulation/dice.ts';
import { startTestStack, type TestStack } from '../support/stack.ts';

let stack: TestStack;

type Arrived = Awaited<ReturnType<TestStack['arrive']>>;
type Frame = Record<string, unknown> & { type: string };

/** A moment without frames: the rate limit lets 20 frames a second pass. */
const pause = (frames: number) => new Promise((resolve) => setTimeout(resolve, frames * 50));

const isRetryable = (answer: ServerFrame) => answer.type === 'error' && answer.retryable;

/**
 * Whether functions have logged since the line with this number that a store was away. On a busy machine a store may be too slow for
 * a frame. The frame is then served without it: the sweep ends the seat of a leave that Redis did not hear of (rule FA1).
 */
const wasAway = (line: number) => stack.lines.slice(line).some((text) => /\b(is|was) away\b/.test(text));

/** Sends frames without waiting for any of them, each with the next `order`, and answers the replies. */
class Burster {
  readonly #client: Arrived;
  #order = 0;

  constructor(client: Arrived) {
    this.#client = client;
  }

  /** Undefined where a frame was not served. */
  async burst(frames: Frame[]) {
    const asked = frames.map((frame) => {
      this.#order += 1;
      return this.#client.ask({ ...frame, order: this.#order });
    });
    const answers = await Promise.all(asked);
    await pause(frames.length);
    // On a busy machine a store may be too slow for a frame, which is then refused and has decided nothing.
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

/** Asks again for as long as a store is too slow. */
async function askPatiently(client: Arrived, frame: Frame): Promise<ServerFrame> {
  const answer = await client.ask(frame);
  if (!isRetryable(answer)) return answer;
  await pause(10);
  return askPatiently(client, frame);
}

/**
 * Joins and leaves by turns, as React's StrictMode does. Answers what is wrong afterwards, with what the client asked for
 * and with the last answer.
 */
async function comeAndGo({ sessionId, guest }: Room, burster: Burster, dice: Dice, count: number) {
  const first = dice.int(0, 1);
  const types = Array.from({ length: count }, (_, index) => ['session_join', 'session_leave'][(index + first) % 2]!);
  const answers = await burster.burst(types.map((type) => ({ type, sessionId })));
  if (!answers) return undefined;
  const sits = (await askPatiently(guest, { type: 'presence_sync', sessionId })).type === 'presence_state';
  const told = answers.map(({ type }) => type).join();
  const wrong: string[] = [];
  if (sits !== (types.at(-1) === 'session_join')) wrong.push(`sits: ${sits} after ${types}, answered ${told}`);
  const last = answers.at(-1)!.type;
  if (last !== (sits ? 'session_joined' : 'session_left')) wrong.push(`sits: ${sits}, answered ${told}`);
  return wrong;
}

/** Texts, statuses and cursors. Answers what differs afterwards from what the client sent last. */
async function update({ sessionId, owner, guest }: Room, burster: Burster, dice: Dice, count: number) {
  const sent: Record<string, unknown> = {};
  const frames = Array.from({ length: count }, (): Frame => {
    const value = dice.int(1, 1e9);
    const cursor = { eventId: 'e', position: value };
    if (dice.chance(0.4)) {
      sent['cursor'] = cursor;
      return { type: 'cursor_update', sessionId, cursor };
    }
    if (dice.chance(0.2)) {
      sent['cursor'] = cursor;
      return { type: 'heartbeat', sessionId, cursor };
    }
    sent['activity'] = `text ${value}`;
    return { type: 'presence_update', sessionId, activity: sent['activity'] };
  });
  if (!(await burster.burst(frames))) return undefined;
  const { users } = (await askPatiently(owner, { type: 'presence_sync', sessionId })) as ServerFrame<'presence_state'>;
  const shown = users.find((user) => user.userId === guest.userId);
  return Object.entries(sent).flatMap(([field, value]) => {
    const is = JSON.stringify((shown as unknown as Record<string, unknown> | undefined)?.[field]);
    return is === JSON.stringify(value) ? [] : [`${field} is ${is}, sent last was ${JSON.stringify(value)}`];
  });
}

/** `bursts` bursts of three to ten frames by four people at a time. Answers what was wrong. */
async function wrongAfter(bursts: number): Promise<string[]> {
  const people = Array.from({ length: 4 }, (_, index) => index);
  const wrong = await Promise.all(
    people.map(async (person) => {
      const room = await openRoom(`burst${person}`);
      const burster = new Burster(room.guest);
      const dice = new Dice(person);
      const found: string[] = [];
      let checked = stack.lines.length;
      for (let served = 0; served < bursts / people.length; ) {
        const count = dice.int(3, 10);
        const isMoving = dice.chance(0.5);
        if (!isMoving && !(await burster.burst([{ type: 'session_join', sessionId: room.sessionId }]))) continue;
        const wrong = await (isMoving ? comeAndGo : update)(room, burster, dice, count);
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

/** Tests that the last frame of each burst decides, on a stack of its own. */
export function testBursts(bursts: number, limitMillis: number): void {
  beforeAll(async () => {
    stack = await startTestStack();
  });
  afterAll(() => stack.close());

  test(
    `[PR18] after ${bursts} bursts of frames with \`order\` the last frame of each has decided`,
    async () => {
      expect(await wrongAfter(bursts)).toEqual([]);
    },
    limitMillis,
  );
}

/** Tests that a join, which was received after a leave, and the last text hold although the frames have no `order`. */
export function testFramesWithoutOrder(): void {
  test('[PR18] without `order` a join holds that was received after a leave, and so does the last text', async () => {
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
