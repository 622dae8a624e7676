import { Worker } from 'node:worker_threads';
import { SeededRandom } from '../harness/seeded-random.ts';
import { scaleLimit, timeLimits } from '../support/time-limits.ts';
import type { RecordingGateway } from './gateway.ts';
import type { Acknowledged, CampaignOptions, Operation, Order, Report, Stage } from './messages.ts';

const workersAtOnce = 4;
const actorsPerWorker = 4;
/** The mean number of operations of all workers between two terminations of a worker. */
const operationsPerKill = 200;
/** Longer than the slowest repair, the release of a slot without presence (see `reconcileSlots`), in milliseconds. */
const restMillis = 20_000;
/** Several rounds are needed, because a check may happen while a user returns. */
const quietLooks = 2;

/** What the workers know after their operations. */
export interface FinalState {
  acknowledged: Acknowledged[];
  /** The killed invocations, with their users. */
  killed: Operation[];
  /** The activities whose writer did not know whether they were written. */
  cut: Set<string>;
  /** Errors that no client should cause. */
  bugs: string[];
  outcomes: Record<string, number>;
  /** Diffs of completed invocations that were not sent to one of their receivers. */
  untold: string[];
}

type Script = CampaignOptions & { people: { userId: string; username: string }[]; stage: Stage };

/** Runs operations in workers; some workers are terminated and replaced. */
export class ConcurrentRun {
  readonly #options: Script;
  readonly #file: string;
  readonly #environment: Record<string, string>;
  readonly #gateway: RecordingGateway;
  readonly #random: SeededRandom;
  readonly #people: { userId: string; username: string }[];
  readonly #stages: Stage[] = [];
  readonly #workers = new Map<Worker, Map<string, Operation>>();
  readonly #acknowledged: Acknowledged[] = [];
  readonly #killed: Operation[] = [];
  readonly #cut = new Set<string>();
  readonly #bugs: string[] = [];
  readonly #outcomes: Record<string, number> = {};
  readonly #untold: string[] = [];
  #begun = 0;
  /** Done when each killed worker is replaced. */
  #replacing: Promise<unknown> = Promise.resolve();
  #quiet = 0;
  #halted = 0;
  /** The number of consecutive rounds of all sweeps without work after the operations. */
  #idleRounds = 0;
  #over = Promise.withResolvers<void>();
  #untilKill: number;

  constructor(options: Script, file: string, environment: Record<string, string>, gateway: RecordingGateway) {
    this.#options = options;
    this.#file = file;
    this.#environment = environment;
    this.#gateway = gateway;
    this.#random = new SeededRandom(options.seed);
    this.#untilKill = this.#nextKill();
    this.#people = options.people;
    this.#stages.push(options.stage);
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: workersAtOnce }, () => this.#startWorker()));
    await this.#over.promise;
  }

  /**
   * Waits for the running operations. Half of the connections then become silent, and the sweeps work until no work is left or
   * the time is over. Then nothing is under way any more: otherwise the checks would compare two stores between two writes of a join.
   */
  async waitUntilIdle(remainingWork: () => Promise<string[]>): Promise<void> {
    // A worker that starts later would go on with its operations.
    await this.#replacing;
    this.#order({ kind: 'idle' });
    await this.#untilAll(() => this.#quiet);
    const hanging = [...this.#workers.values()].flatMap((underWay) => [...underWay.values()]);
    if (hanging.length > 0) this.#bugs.push(`never ended: ${JSON.stringify(hanging)}`);
    const [sweeper] = this.#workers.keys();
    sweeper!.postMessage({ kind: 'sweep' } satisfies Order);
    await this.#rest(remainingWork);
    await this.end();
  }

  async #rest(remainingWork: () => Promise<string[]>): Promise<void> {
    const ends = performance.now() + scaleLimit(this.#options.restMillis ?? restMillis);
    let left: string[];
    for (;;) {
      for (let looks = 0; looks < quietLooks && performance.now() < ends; ) {
        await new Promise((resolve) => setTimeout(resolve, 200));
        left = this.#idleRounds > 0 ? await remainingWork() : ['a round of all sweeps'];
        looks = left.length === 0 ? looks + 1 : 0;
      }
      await this.#halt();
      left = await remainingWork();
      if (left.length === 0 || performance.now() >= ends) break;
      this.#order({ kind: 'resume' });
    }
    if (left.length > 0) this.#bugs.push(`work is left: ${left.slice(0, 5).join('; ')}`);
  }

  async #halt(): Promise<void> {
    this.#halted = 0;
    this.#order({ kind: 'halt' });
    await this.#untilAll(() => this.#halted);
    if (this.#halted < this.#workers.size) this.#bugs.push('a heartbeat or a sweep never ended');
  }

  /** Waits until the count is that of the workers, or the time limit of an event is over. */
  async #untilAll(count: () => number): Promise<void> {
    const patienceEnds = performance.now() + timeLimits.event;
    while (count() < this.#workers.size && performance.now() < patienceEnds) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  left(): FinalState {
    return {
      ...{ acknowledged: this.#acknowledged, killed: this.#killed, cut: this.#cut },
      ...{ bugs: this.#bugs, outcomes: this.#outcomes, untold: this.#untold },
    };
  }

  async end(): Promise<void> {
    await Promise.all([...this.#workers.keys()].map((worker) => worker.terminate()));
  }

  async #startWorker(): Promise<void> {
    const workerData = {
      ...{ seed: this.#random.below(2 ** 31), people: this.#people, stages: this.#stages, actors: actorsPerWorker },
    };
    const worker = new Worker(this.#file, { env: this.#environment, workerData });
    const underWay = new Map<string, Operation>();
    this.#workers.set(worker, underWay);
    worker.on('error', (error) => {
      this.#bugs.push(`A worker ended: ${(error as Error).stack}`);
      this.#over.resolve();
    });
    await new Promise<void>((resolve) => {
      // It may be killed before it is ready.
      worker.once('exit', () => resolve());
      worker.on('message', (report: Report) => {
        if (report.kind === 'ready') resolve();
        else this.#take(report, underWay);
      });
    });
  }

  #take(report: Report, underWay: Map<string, Operation>): void {
    if (report.kind === 'began') {
      underWay.set(report.id, report);
      if (report.cut && report.activityId) this.#cut.add(report.activityId);
      this.#begun += 1;
      if (this.#begun === this.#options.operations) this.#over.resolve();
      if (this.#begun < this.#options.operations && --this.#untilKill === 0)
        this.#replacing = Promise.all([this.#replacing, this.#killOne()]);
    } else if (report.kind === 'finished') {
      const operation = underWay.get(report.id)!;
      underWay.delete(report.id);
      const outcome = `${operation.operation} ${report.outcome}`;
      this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1;
      if (report.outcome === 'killed') this.#killed.push(operation);
      if (report.error !== undefined) this.#bugs.push(report.error);
    } else if (report.kind === 'acknowledged') this.#acknowledged.push(report.fact);
    else if (report.kind === 'hungUp') this.#gateway.end(report.connectionId);
    else if (report.kind === 'untold') this.#untold.push(...report.what);
    else if (report.kind === 'swept') this.#idleRounds = report.replayed === 0 ? this.#idleRounds + 1 : 0;
    else if (report.kind === 'quiet') this.#quiet += 1;
    else if (report.kind === 'halted') this.#halted += 1;
    else if (report.kind === 'stage') {
      this.#stages.push(report.stage);
      this.#order(report);
    }
  }

  #order(order: Order): void {
    for (const worker of this.#workers.keys()) worker.postMessage(order);
  }

  async #killOne(): Promise<void> {
    this.#untilKill = this.#nextKill();
    const [worker, underWay] = this.#random.one([...this.#workers]);
    this.#workers.delete(worker);
    await worker.terminate();
    this.#killed.push(...underWay.values());
    await this.#startWorker();
  }

  #nextKill(): number {
    return 1 + this.#random.below(2 * operationsPerKill);
  }
}
