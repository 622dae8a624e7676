import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Services } from '../../lambdas/services/services.ts';
import { errorCodes } from '../../protocol/errors.ts';
import type { ServerFrame } from '../../protocol/frames.ts';
import { SeededRandom } from '../harness/seeded-random.ts';
import { InProcessService, type Socket } from '../in-process/service.ts';
import { kinds, type Stage, setStage } from '../in-process/stage.ts';
import { testAddresses } from '../support/addresses.ts';
import type { Doubles } from '../support/test-services.ts';
import { frameText, type Ids, withIds } from './frame-text.ts';
import { byName, StateWatch } from './state-watch.ts';

/** What a frame did that no frame may do. */
export interface Finding {
  /** The number of the frame; with the seed it makes the same frame again. */
  frame: number;
  kind: string;
  text: string;
  what: string;
}

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

/** Nothing of these may be in an answer: names of programs, files and hosts, statements, and the words of their errors. */
const internal = [
  /node_modules|\.(ts|lua|js):\d|\bat .+ \(|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|WHERE) /,
  /postgres|redis|dynamo|zod|127\.0\.0\.1|ECONN|Error:|(?<!received )\bundefined\b|\[object|relation "|syntax error|violates|constraint/i,
];

/** The entry of the audit trail that records a refusal on purpose, and its ticket. */
const refusalEntry = /^activity_log INSERT .*"activity_type": "\w*_refused"/;
const ticket = /^activity_unsealed INSERT/;

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
    return new Fuzzer(service, await StateWatch.start(service.services, readTable), time, doubles);
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
    const found = (what: string) => {
      const shown = typeof text === 'string' ? text : `base64 ${Buffer.from(text).toString('base64')}`;
      run.findings.push({ frame, kind, text: shown.slice(0, 2000), what });
    };
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
        const unexpected = this.#withoutRefusalEntry(changes);
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

  /** An entry of a session that does not exist is no record of a refusal. */
  #withoutRefusalEntry(changes: string[]): string[] {
    const { sessionId, foreignId } = this.#ids;
    const isEntry = (change: string) =>
      refusalEntry.test(change) && [sessionId, foreignId].some((id) => change.includes(`"session_id": "${id}"`));
    return changes.some(isEntry) ? changes.filter((change) => !isEntry(change) && !ticket.test(change)) : changes;
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

const nameOf = (answer: ServerFrame | undefined) => (answer?.type === 'error' ? answer.code : (answer?.type ?? 'none'));

function problemOf(answer: ServerFrame | undefined): string | undefined {
  if (answer?.type !== 'error') return undefined;
  const { code, message, retryable } = answer;
  if (!Object.hasOwn(errorCodes, code) || retryable !== errorCodes[code].retryable)
    return `The code ${code} is unknown, or retryable is wrong.`;
  if (code === 'INTERNAL' || code === 'UNAVAILABLE') return `The answer is ${code}: ${message}`;
  return internal.some((words) => words.test(message)) ? `The answer has internal text: ${message}` : undefined;
}

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
let client: DynamoDBClient | undefined;

/**
 * The items of the connection table, one in a line. Not those that only say that a connection left, or was not in a session: a join
 * that was sent before may arrive later (rule PR18).
 */
async function readTable(): Promise<string[]> {
  client ??= new DynamoDBClient({ endpoint: testAddresses.dynamodb, region: 'us-east-1', credentials });
  const { Items = [] } = await client.send(new ScanCommand({ TableName: process.env['CONNECTIONS_TABLE'] }));
  const kept = Items.map((item) => unmarshall(item)).filter((item) => item['userId'] !== undefined);
  return kept.map((item) => JSON.stringify(Object.entries(item).sort(byName))).sort();
}
