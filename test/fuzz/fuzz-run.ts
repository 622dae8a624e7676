import type { Services } from '../../lambdas/services/services.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { InProcessService, type Socket } from '../in-process/service.ts';
import { kinds, type Stage, setStage } from '../in-process/stage.ts';
import { testAddresses } from '../support/addresses.ts';
import type { Doubles } from '../support/test-services.ts';
import { ConnectionTable } from './connection-table.ts';
import { frameText, type Ids, withIds } from './frame-text.ts';
import { StateWatch } from './state-watch.ts';
import { type Finding, findingOf, nameOf, problemOf, withoutRefusalEntry } from './verdict.ts';

export interface FuzzRun {
  seed: number;
  findings: Finding[];
  /** How often each answer was given: a type of a frame, or the code of an error. */
  answers: Record<string, number>;
  /** How many frames reached a store. */
  stored: number;
}

/** How many frames each stage serves. After more, too many of its users have left. */
const framesOfStage = 4000;
/** A connection may send twenty frames a second. The time between two frames is that of a clock of the test. */
const millisBetweenFrames = 60;

/**
 * Sends seeded frames of each kind of user through the handlers, and looks after each frame for what no frame may do: fail, hang, be
 * answered with `INTERNAL` or with text of the program, and, if it was refused, change what is stored.
 */
export class Fuzzer {
  readonly #service: InProcessService;
  readonly #doubles: Doubles;
  readonly #watch: StateWatch;
  readonly #time: { now: number };
  #stage!: Stage;
  #ids!: Ids;
  #errorsSeen = 0;
  #mistake: Doubles = {};

  private constructor(service: InProcessService, watch: StateWatch, time: { now: number }, doubles: Doubles) {
    this.#doubles = doubles;
    this.#service = service;
    this.#watch = watch;
    this.#time = time;
  }

  static async start(): Promise<Fuzzer> {
    const time = { now: Date.now() };
    const doubles: Doubles = { clock: () => time.now };
    const service = await InProcessService.start(doubles);
    const table = new ConnectionTable(testAddresses.dynamodb, process.env['CONNECTIONS_TABLE']!);
    return new Fuzzer(service, await StateWatch.start(service.services, () => table.read()), time, doubles);
  }

  /** The same as `run`, with faulty services after the stage is made. */
  async runWith(mistake: (services: Services) => Doubles, ...parameters: Parameters<Fuzzer['run']>): Promise<FuzzRun> {
    this.#mistake = mistake(this.#service.services);
    try {
      return await this.run(...parameters);
    } finally {
      this.#heal();
      this.#mistake = {};
    }
  }

  #heal(): void {
    for (const name of Object.keys(this.#mistake)) Reflect.deleteProperty(this.#doubles, name);
  }

  close(): Promise<void> {
    return this.#service.close();
  }

  /** @param frames the numbers of the first frame and of the one after the last. @param most findings after which it ends. */
  async run(seed: number, [first, end]: [number, number], most = 5): Promise<FuzzRun> {
    const run: FuzzRun = { seed, findings: [], answers: {}, stored: 0 };
    await this.#makeStage();
    for (let frame = first; frame < end && run.findings.length < most; frame += 1) {
      if (frame > first && frame % framesOfStage === 0) await this.#makeStage();
      await this.#send(run, frame);
    }
    return run;
  }

  async #send(run: FuzzRun, frame: number): Promise<void> {
    const random = SeededRandom.mixed(run.seed + 7919 * frame);
    const kind = random.one(kinds);
    const text = withIds(frameText(random), this.#ids);
    const found = (what: string) => void run.findings.push(findingOf(frame, kind, text, what));
    this.#time.now += millisBetweenFrames;
    try {
      const { frame: answer, touchedStore } = await this.#service.deliver(this.#stage.people[kind], text);
      const name = nameOf(answer);
      run.answers[name] = (run.answers[name] ?? 0) + 1;
      const problem = problemOf(answer);
      if (problem) found(problem);
      if (touchedStore) {
        run.stored += 1;
        const changes = await this.#watch.changes();
        const unexpected = withoutRefusalEntry(changes, [this.#ids.sessionId, this.#ids.foreignId]);
        if (answer?.type === 'error' && unexpected.length > 0)
          found(`It was refused with ${answer.code} and changed: ${unexpected.join('\n')}`);
      }
      if (answer?.type === 'session_ended') await this.#makeStage();
    } catch (error) {
      found(`It failed: ${(error as Error).message}`);
    }
    const { errors } = this.#service;
    if (errors.length > this.#errorsSeen) found(`An error was logged: ${JSON.stringify(errors.at(-1))}`);
    this.#errorsSeen = errors.length;
  }

  async #makeStage(): Promise<void> {
    this.#time.now = Math.max(this.#time.now, Date.now());
    this.#heal();
    await this.#service.services.redis.flushdb();
    this.#stage = await setStage(this.#service);
    const { people, ...ids } = this.#stage;
    const idOf = (socket: Socket) => socket.authorizer.userId;
    this.#ids = { ...ids, ownerId: idOf(people.owner), guestId: idOf(people.guest) };
    await this.#watch.changes();
    Object.assign(this.#doubles, this.#mistake);
    this.#errorsSeen = this.#service.errors.length;
  }
}
