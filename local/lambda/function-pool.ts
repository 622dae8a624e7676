import { availableParallelism } from 'node:os';
import type { Faults } from '../faults.ts';
import type { FunctionDefinition } from '../template/functions.ts';
import { type ConcurrencyQuota, environmentLimit, throttled } from './concurrency-quota.ts';
import { ExecutionEnvironment, type InvocationResult } from './execution-environment.ts';

interface Waiting {
  requestId: string;
  /** The event, as JSON. */
  payload: string;
  /** Time in the queue since, by `performance.now()`. */
  since: number;
  settle(result: InvocationResult): void;
}

export interface PoolOptions {
  definition: FunctionDefinition;
  variables: Record<string, string>;
  quota: ConcurrencyQuota;
  faults: Faults;
  /** The longest time that an event may wait for an environment. Default: 10 s. */
  longestWaitMillis?: number;
  /** How long an event waits for a busy environment although there is an idle one. Default: 8 ms. */
  heldMillis?: number;
  output(text: string): void;
}

/**
 * How long an event waits, for each existing environment, before another one is started. AWS starts one at once, on
 * another machine. Here a new thread competes for the same cores and must compile the bundle first, and most events end
 * sooner.
 */
const growthDelayMillis = 15;
/**
 * If the environments with a recent event already occupy the cores that the gateway and the stores leave free, an event
 * waits this long for one of them before an idle one is used. Most events end within a millisecond, and a running
 * environment has its code compiled and cached. An environment that has had its event for longer waits for something
 * itself and uses no core.
 */
const usualHeldMillis = 8;
const carried = Math.max(1, availableParallelism() - 1);
/**
 * An event that waited this long for an environment is refused, like one above the quota: the machine is overloaded,
 * and its caller has timed out or will retry.
 */
const usualLongestWaitMillis = 10_000;
/** An environment without an event for this long is ended, except the last one of a function. */
const idleMillis = 5 * 60_000;

/** The execution environments of one function. They are reused, started on demand and replaced when they end. */
export class FunctionPool {
  readonly #options: PoolOptions;
  readonly #limit: number;
  /** In the order of their start. */
  readonly #environments = new Set<ExecutionEnvironment>();
  /** Environments without an event, and the time when their last one ended. */
  readonly #idle = new Map<ExecutionEnvironment, number>();
  /** Environments with an event, and its start by `performance.now()`. */
  readonly #busy = new Map<ExecutionEnvironment, number>();
  readonly #waiting: Waiting[] = [];
  #starting = 0;
  #holding: NodeJS.Timeout | undefined;
  #heldLongEnough = false;
  #growth: NodeJS.Timeout | undefined;
  #refusal: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#limit = environmentLimit(options.definition);
  }

  /**
   * Runs the handler with an event as JSON. The event is refused above the quota, or if no environment becomes free in
   * time.
   */
  async invoke(requestId: string, payload: string): Promise<InvocationResult> {
    const { quota } = this.#options;
    const refusal = quota.take();
    if (refusal) return { error: refusal };
    const result = await new Promise<InvocationResult>((settle) => {
      this.#waiting.push({ requestId, payload, since: performance.now(), settle });
      this.#dispatch();
    });
    quota.give();
    return result;
  }

  /** Ends all environments. Waiting and running events fail. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#holding);
    clearTimeout(this.#growth);
    clearTimeout(this.#refusal);
    const error = { errorType: 'ServiceException', errorMessage: 'The local stack is shutting down.' };
    for (const { settle } of this.#waiting.splice(0)) settle({ error });
    await Promise.all([...this.#environments].map((environment) => environment.stop()));
  }

  /** Ends environments that were not used since `now - idleMillis`, except the last one. */
  async endIdle(now: number): Promise<void> {
    const old = [...this.#idle].filter(([, since]) => since <= now - idleMillis).map(([environment]) => environment);
    for (const environment of old.slice(0, Math.max(0, this.#environments.size - 1))) {
      this.#idle.delete(environment);
      this.#environments.delete(environment);
      await environment.stop();
    }
  }

  /** Ends a share of the environments, from 0 to 1, also those with an event, which fails. @returns how many. */
  async endShare(share: number): Promise<number> {
    const started = [...this.#environments].filter((each) => this.#idle.has(each) || this.#busy.has(each));
    const ended = started.slice(0, Math.ceil(started.length * share));
    for (const environment of ended) {
      this.#idle.delete(environment);
      this.#environments.delete(environment);
    }
    await Promise.all(ended.map((environment) => environment.stop()));
    return ended.length;
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#idle.size > 0) {
      if (this.#isHeld()) return;
      const environment = this.#oldestIdle();
      this.#idle.delete(environment);
      // One more environment is busy now, so the other events are held again.
      this.#heldLongEnough = false;
      if (environment.alive) void this.#run(environment, this.#waiting.shift()!);
      else this.#environments.delete(environment);
    }
    if (this.#waiting.length === 0) return;
    this.#grow();
    this.#scheduleRefusal();
  }

  /** The oldest ones are always used first, because their code is already compiled. */
  #oldestIdle(): ExecutionEnvironment {
    for (const environment of this.#environments) if (this.#idle.has(environment)) return environment;
    throw new Error('No environment is idle.');
  }

  /** Whether the first event waits a little longer for a busy environment. */
  #isHeld(): boolean {
    const heldMillis = this.#options.heldMillis ?? usualHeldMillis;
    const now = performance.now();
    const soonFree = [...this.#busy.values()].filter((since) => since > now - heldMillis).length;
    const left = this.#waiting[0]!.since + heldMillis - now;
    // An event that has waited much longer shows that the queue is long, so all environments are needed.
    const isBehind = left <= -heldMillis;
    if (soonFree < carried || isBehind || (left <= 0 && this.#heldLongEnough)) return false;
    this.#holding ??= setTimeout(() => this.#endHold(), Math.max(0, left));
    return true;
  }

  /**
   * If this thread was busy, environments may have answered meanwhile. `setImmediate` handles these answers first, so
   * the waiting event goes to one of these environments.
   */
  #endHold(): void {
    setImmediate(() => {
      this.#holding = undefined;
      this.#heldLongEnough = true;
      this.#dispatch();
      this.#heldLongEnough = false;
    });
  }

  /** Refuses events that have waited for too long, the oldest first. */
  #scheduleRefusal(): void {
    if (this.#stopped || this.#refusal) return;
    const longestWaitMillis = this.#options.longestWaitMillis ?? usualLongestWaitMillis;
    const oldest = this.#waiting[0]!.since;
    this.#refusal = setTimeout(
      () => {
        this.#refusal = undefined;
        const error = throttled(`no environment was free for ${longestWaitMillis} ms on this machine`);
        const late = performance.now() - longestWaitMillis;
        while (this.#waiting.length > 0 && this.#waiting[0]!.since <= late) this.#waiting.shift()!.settle({ error });
        if (this.#waiting.length > 0) this.#scheduleRefusal();
      },
      Math.max(1, oldest + longestWaitMillis - performance.now()),
    );
  }

  async #run(environment: ExecutionEnvironment, { requestId, payload, settle }: Waiting): Promise<void> {
    this.#busy.set(environment, performance.now());
    const running = environment.invoke(requestId, payload);
    const kill = this.#options.faults.killEnvironment();
    if (kill !== undefined) setTimeout(() => environment.stop(), kill);
    settle(await running);
    this.#release(environment);
  }

  #release(environment: ExecutionEnvironment): void {
    this.#busy.delete(environment);
    if (environment.alive) this.#idle.set(environment, Date.now());
    else this.#environments.delete(environment);
    this.#dispatch();
  }

  /**
   * Starts an environment at once if there is none; otherwise only if a single event has waited for the growth delay.
   * Under load some event always waits for a short time, so a non-empty queue alone is no reason.
   */
  #grow(): void {
    if (this.#stopped || this.#starting > 0 || this.#environments.size >= this.#limit || this.#growth) return;
    if (this.#environments.size === 0) return void this.#start();
    const left = this.#waiting[0]!.since + growthDelayMillis * this.#environments.size - performance.now();
    if (left <= 0) return void this.#start();
    this.#growth = setTimeout(() => {
      this.#growth = undefined;
      if (this.#waiting.length > 0 && this.#idle.size === 0) this.#grow();
    }, left);
  }

  async #start(): Promise<void> {
    const { definition, variables, output, faults } = this.#options;
    this.#starting += 1;
    await faults.coldStart();
    const environment = new ExecutionEnvironment(definition, variables, output);
    this.#environments.add(environment);
    const error = await environment.ready;
    this.#starting -= 1;
    if (error) {
      this.#environments.delete(environment);
      // The event that needed the environment fails with this error. The next event tries a new environment.
      this.#waiting.shift()?.settle({ error });
      return this.#dispatch();
    }
    this.#release(environment);
  }
}
