import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HandlerName } from '../../lib/handlers.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import type { Mutation } from '../campaign/bundle.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { assemblyWith } from '../support/assembly.ts';
import { type Arrived, startTestStack, type TestStack } from '../support/stack.ts';
import { timeLimits } from '../support/time-limits.ts';
import { ConnectionTable } from './connection-table.ts';
import { frameText, withIds } from './frame-text.ts';
import type { FuzzRun } from './fuzz-run.ts';
import { plantedAssembly } from './planted-assembly.ts';
import { type Person, people, SocketStage } from './socket-stage.ts';
import { StateWatch } from './state-watch.ts';
import { findingOf, nameOf, problemOf, withoutRefusalEntry } from './verdict.ts';

/** Nobody times out, and no sweep runs, so that what changes was changed by a frame. */
const settings = {
  ...{ LOG_LEVEL: 'DEBUG', TIMEOUT_SWEEP_FUNCTION: '', HEARTBEAT_TIMEOUT_SECONDS: '3600', AWAY_AFTER_SECONDS: '7200' },
  ...{ RECONNECT_GRACE_SECONDS: '1800' },
};
/** Each stage serves so many frames: afterwards too many of its users have left. */
const framesOfStage = 1000;

/** The line of the local stack at the end of each call of a function. */
const ended = / DEBUG \S+ {2}(\S+) [\d.]+ ms \S+$/;
/** The calls that are not for a frame. */
const notFrames = /^(authorizer|\$connect|\$disconnect|schedule|invoke|trigger)$/;

/** What a function logged when it had served a frame. */
interface Served {
  answer?: string;
  clientRequestId?: string;
}

/**
 * Sends seeded frames of each kind of user over real WebSockets to the real stack, one at a time, and looks for what no frame may do:
 * fail, hang, be answered with `INTERNAL` or with text of the program, or change what is stored although it was refused.
 */
export class StackFuzzer {
  readonly #stack: TestStack;
  readonly #directory: string;
  readonly #events: StackEvents;
  #watch!: StateWatch;
  #stage!: SocketStage;
  #errorsSeen = 0;
  #closed = 0;

  private constructor(stack: TestStack, directory: string, events: StackEvents) {
    this.#stack = stack;
    this.#directory = directory;
    this.#events = events;
  }

  /** @param mistakes deliberate mistakes in the source of functions. */
  static async start(mistakes: Partial<Record<HandlerName, readonly Mutation[]>> = {}): Promise<StackFuzzer> {
    const directory = await mkdtemp(join(tmpdir(), 'rollcall-fuzz-'));
    const isPlanted = Object.keys(mistakes).length > 0;
    const assemblyDirectory = isPlanted
      ? await plantedAssembly(settings, directory, mistakes)
      : await assemblyWith(settings, directory);
    const events = new StackEvents();
    const stack = await startTestStack(
      {},
      {
        assemblyDirectory,
        environment: { LOG_LEVEL: 'DEBUG' },
        write: (line) => events.line(line),
        writeRaw: (_, line) => events.raw(line),
      },
    );
    const fuzzer = new StackFuzzer(stack, directory, events);
    fuzzer.#stage = await SocketStage.make(stack);
    const { connectionId } = await fuzzer.#stage.client('owner');
    const table = await ConnectionTable.of(stack.addresses.dynamodbEndpoint, connectionId);
    fuzzer.#watch = await StateWatch.start({ database: stack.database, redis: stack.redis }, () => table.read());
    return fuzzer;
  }

  async close(): Promise<void> {
    await this.#stack.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** @param frames the numbers of the first frame and of the one after the last. @param most findings after which it ends. */
  async run(seed: number, [first, end]: [number, number], most = 5): Promise<FuzzRun> {
    const run: FuzzRun = { seed, findings: [], answers: {}, stored: 0 };
    for (let frame = first; frame < end && run.findings.length < most; frame += 1) {
      if (frame > first && frame % framesOfStage === 0) await this.#renewStage();
      const random = SeededRandom.mixed(seed + 7919 * frame);
      await this.#send(run, frame, random.one(people), frameText(random));
    }
    return run;
  }

  /** Sends these frames, each of its person. Ids are placeholders, as in `frameText`. */
  async sendAll(frames: readonly (readonly [Person, string])[]): Promise<FuzzRun> {
    const run: FuzzRun = { seed: 0, findings: [], answers: {}, stored: 0 };
    for (const [number, [person, frame]] of frames.entries()) await this.#send(run, number, person, frame);
    return run;
  }

  async #send(run: FuzzRun, number: number, person: Person, frame: string | Uint8Array): Promise<void> {
    const made = withIds(frame, this.#stage.ids);
    // The answer names the frame, so that it is not mistaken for that of another one.
    const text = typeof made === 'string' ? made.replace('"requestId":"r"', `"requestId":"f${number}"`) : made;
    const found = (what: string) => void run.findings.push(findingOf(number, person, text, what));
    const client = await this.#stage.client(person);
    await this.#watch.changes();
    const answer = await this.#answerTo(client, text, found);
    const name = nameOf(answer);
    run.answers[name] = (run.answers[name] ?? 0) + 1;
    const problem = problemOf(answer);
    if (problem) found(problem);
    const changes = await this.#watch.changes();
    if (changes.length > 0) run.stored += 1;
    const unexpected = withoutRefusalEntry(changes, [this.#stage.ids.sessionId, this.#stage.ids.foreignId]);
    if (answer?.type === 'error' && unexpected.length > 0)
      found(`It was refused with ${answer.code} and changed: ${unexpected.join('\n')}`);
    const { errors } = this.#events;
    if (errors.length > this.#errorsSeen) found(`An error was logged: ${errors.at(-1)}`);
    this.#errorsSeen = errors.length;
    if (answer?.type === 'session_ended') await this.#renewStage();
  }

  /** Sends a frame and waits until its function has ended, and then for the answer that the function says it gave. */
  async #answerTo(
    client: Arrived,
    text: string | Uint8Array,
    found: (what: string) => void,
  ): Promise<ServerFrame | undefined> {
    const done = new AbortController();
    const isClosed = () => 'closed' as const;
    const closed = once(client.socket, 'close', { signal: done.signal }).then(isClosed, isClosed);
    try {
      return await this.#exchange(client, text, closed, found);
    } finally {
      done.abort();
    }
  }

  async #exchange(
    client: Arrived,
    text: string | Uint8Array,
    closed: Promise<'closed'>,
    found: (what: string) => void,
  ): Promise<ServerFrame | undefined> {
    const before = client.frames.length;
    const served = this.#events.nextFrame();
    // As a text frame, although the bytes may be no UTF-8.
    client.socket.send(text, { binary: false });
    const outcome = await inTime(Promise.race([served, closed]));
    if (outcome === 'late') found('No function ended, and the connection stayed open.');
    if (outcome === 'late' || outcome === 'closed') {
      this.#events.forget();
      if (outcome === 'late') client.cut();
      await this.#disconnected(1);
      return undefined;
    }
    const { answer, clientRequestId } = outcome;
    // The functions answer a request that they can name, and say what is wrong with any other.
    if (answer === undefined) {
      if (clientRequestId !== undefined) found('A frame with a "requestId" was not answered.');
      return undefined;
    }
    // The log leaves out an empty text.
    const isAnswer = (frame: { type?: string | undefined; requestId?: string | undefined }) =>
      frame.type === undefined || (frame.type === answer && (frame.requestId ?? '') === (clientRequestId ?? ''));
    const arrived = () => client.frames.slice(before).find(isAnswer);
    const frame = arrived() ?? (await inTime(Promise.race([client.nextOf((one) => one === arrived()), closed])));
    if (frame === 'late' || frame === 'closed') {
      found(`The answer ${answer} did not arrive (${frame}).`);
      return undefined;
    }
    if (frame.type === undefined) {
      found(`API Gateway answered: ${JSON.stringify(frame)}`);
      return undefined;
    }
    return frame;
  }

  /** Waits until the ends of connections are handled, so that a later frame is not blamed for them. */
  async #disconnected(connections: number): Promise<void> {
    this.#closed += connections;
    await this.#events.disconnects(this.#closed);
  }

  async #renewStage(): Promise<void> {
    await this.#disconnected(await this.#stage.close());
    this.#stage = await SocketStage.make(this.#stack);
  }
}

/** What the stack tells about the calls of its functions. */
class StackEvents {
  /** Lines of the level ERROR. */
  readonly errors: string[] = [];
  #served: Served = {};
  #waiting: ((served: Served) => void) | undefined;
  #disconnects = 0;
  #enough: { count: number; resolve: () => void } | undefined;

  /** Resolves when the next frame was served. */
  nextFrame(): Promise<Served> {
    this.#served = {};
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  forget(): void {
    this.#waiting = undefined;
  }

  /** Resolves when `$disconnect` has run for so many connections. */
  disconnects(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#enough = { count, resolve };
      this.#countDisconnects(0);
    });
  }

  #countDisconnects(more: number): void {
    this.#disconnects += more;
    if (this.#enough && this.#disconnects >= this.#enough.count) this.#enough.resolve();
  }

  /** A line of a function. */
  raw(line: string): void {
    if (line.includes('"A frame was served"')) this.#served = JSON.parse(line) as Served;
  }

  /** A line of the stack. */
  line(line: string): void {
    if (/^\S+ ERROR /.test(line)) this.errors.push(line);
    const [, purpose] = ended.exec(line) ?? [];
    if (purpose === '$disconnect') this.#countDisconnects(1);
    if (!purpose || notFrames.test(purpose)) return;
    this.#waiting?.(this.#served);
    this.#waiting = undefined;
  }
}

/** The result, or `late` after the time limit of an event. */
async function inTime<T>(work: Promise<T>): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timeLimits.event);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
