import { Dice } from '../simulation/dice.ts';
import type { Arrived, TestStack } from '../support/stack.ts';
import { startTestStack } from '../support/stack.ts';

/** Bursts in all; `BURSTS=500` runs as many. */
const bursts = Number(process.env['BURSTS'] ?? 60);
const seed = Number(process.env['BURST_SEED'] ?? Date.now() % 1_000_000);

let stack: TestStack;
let sessionId: string;
let watcher: Arrived;

beforeAll(async () => {
  stack = await startTestStack();
  const hosted = await stack.host('owner', { isPublic: true, maxParticipants: 1000 });
  watcher = hosted.owner;
  sessionId = hosted.session.id;
}, 90_000);
afterAll(() => stack.close());

/** What a client means to be true after a burst. */
interface Wish {
  joined: boolean;
  activity?: string | undefined;
}

/** A client that sends without waiting for answers, with numbered frames or without. */
class HastyClient {
  readonly wish: Wish = { joined: false };
  readonly client: Arrived;
  readonly #isNumbered: boolean;
  #order = 0;
  #texts = 0;

  constructor(client: Arrived, isNumbered: boolean) {
    this.client = client;
    this.#isNumbered = isNumbered;
  }

  join(): Promise<unknown> {
    this.wish.joined = true;
    this.wish.activity = undefined;
    return this.#ask({ type: 'session_join' });
  }

  leave(): Promise<unknown> {
    this.wish.joined = false;
    return this.#ask({ type: 'session_leave' });
  }

  write(): Promise<unknown> {
    this.wish.activity = `text ${++this.#texts}`;
    return this.#ask({ type: 'presence_update', activity: this.wish.activity });
  }

  #ask(message: { type: string; activity?: string }): Promise<unknown> {
    const order = this.#isNumbered ? { order: ++this.#order } : {};
    return this.client.ask({ ...message, ...order, sessionId });
  }

  /** Whether the service has it as the client meant it, after all answers. */
  async verify(context: string): Promise<void> {
    const beat = await this.client.ask({ type: 'heartbeat', sessionId, order: ++this.#order + 1_000_000 });
    expect({ context, beat: beat.type }).toEqual({ context, beat: this.wish.joined ? 'ack' : 'error' });
    const state = await watcher.expect('presence_state', { type: 'presence_sync', sessionId });
    const shown = state.users.find((user) => user.userId === this.client.userId);
    expect({ context, isShown: shown !== undefined }).toEqual({ context, isShown: this.wish.joined });
    if (this.wish.joined) expect({ context, text: shown?.activity }).toEqual({ context, text: this.wish.activity });
  }
}

async function burst(dice: Dice, number: number, isNumbered: boolean): Promise<void> {
  const user = new HastyClient(await stack.arrive(`hasty-${isNumbered}-${number}`), isNumbered);
  const context = `seed ${seed}, burst ${number}`;
  const answers: Promise<unknown>[] = [];
  for (let round = 0; round < 3; round += 1) {
    const length = dice.int(3, 10);
    for (let index = 0; index < length; index += 1) {
      answers.push(user.wish.joined ? user.leave() : user.join());
    }
    if (!user.wish.joined) answers.push(user.join());
    await Promise.all(answers.splice(0));
    await user.verify(context);
    if (isNumbered) {
      for (let index = 0; index < 3; index += 1) answers.push(user.write());
      await Promise.all(answers.splice(0));
      await user.verify(context);
    }
  }
  await user.client.close();
}

/** Some at a time: a burst meets the load of the others. */
async function runBursts(isNumbered: boolean, count: number): Promise<void> {
  const dice = new Dice(seed + (isNumbered ? 1 : 0));
  let next = 0;
  const work = async () => {
    while (next < count) {
      next += 1;
      await burst(dice, next, isNumbered);
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
}

test(
  '[PR18] after a burst of numbered joins, leaves and texts the last one of each stands',
  () => runBursts(true, Math.ceil(bursts / 2)),
  30_000 + 2000 * bursts,
);

test(
  '[PR18] after a burst of joins and leaves without numbers the one that was received last stands',
  () => runBursts(false, Math.floor(bursts / 2)),
  30_000 + 2000 * bursts,
);

test('[PR18] an application that mounts, unmounts and mounts again at once is in the session', async () => {
  for (let mount = 0; mount < 5; mount += 1) {
    const user = await stack.arrive(`strict-${mount}`);
    const join = (order: number) => user.ask({ type: 'session_join', sessionId, order });
    const [, , last] = await Promise.all([join(1), user.ask({ type: 'session_leave', sessionId, order: 2 }), join(3)]);
    expect(last).toMatchObject({ type: 'session_joined' });
    expect(await user.ask({ type: 'heartbeat', sessionId, order: 4 })).toMatchObject({ type: 'ack' });
  }
});
