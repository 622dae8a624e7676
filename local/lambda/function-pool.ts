import { availableParallelism } from 'node:os';
import type { Faults } from '../faults.ts';
import type { FunctionDefinition } from '../template/functions.ts';
import { type ConcurrencyQuota, environmentLimit, throttled } from './concurrency-quota.ts';
import { ExecutionEnvironment, type InvocationResult } from './execution-environment.ts';

interface Waiting {
  requestId: string;
  /** The event, as JSON. */
  payload: string;
  /** On the clock of `performance`. */
  since: number;
  settle(result: InvocationResult): void;
}

export interface PoolOptions {
  definition: FunctionDefinition;
  variables: Record<string, string>;
  quota: ConcurrencyQuota;
  faults: Faults;
  /** How long an event may wait for an environment; default 10 s. */
  longestWaitMillis?: number;
  /** How long an event waits for a busy environment where there is an idle one; default 8 ms. */
  heldMillis?: number;
  output(text: string): void;
}

/**
 * How long an event waits for a busy environment before another is started, for each environment there is. AWS starts one
 * at once, on another machine; here a new thread competes with the busy ones for the same cores, most events are done
 * sooner, and every thread compiles the bundle for itself.
 */
const patienceMillis = 15;
/**
 * Where as many environments took an event just now as the machine carries beside gateway and stores, an event waits this
 * long for one of them before it wakes an idle one: most are done within a millisecond, have their code compiled and in the
 * caches, and another would only share their cores. One that has had its event for longer than this waits for something
 * itself, and costs no core.
 */
const usualHeldMillis = 8;
const carried = Math.max(1, availableParallelism() - 1);
/**
 * An event that found no environment for this long is refused like one above the quota: the machine is at its limit, and
 * whoever sent it has given up or tries again.
 */
const usualLongestWaitMillis = 10_000;
/** An environment that had no event for this long is ended; one of each function is kept. */
const idleMillis = 5 * 60_000;

/** The execution environments of one function: reused, scaled out on demand, replaced when they die. */
export class FunctionPool {
  readonly #options: PoolOptions;
  readonly #limit: number;
  /** The oldest first. */
  readonly #environments = new Set<ExecutionEnvironment>();
  /** Those without an event, and since when they have none. */
  readonly #idle = new Map<ExecutionEnvironment, number>();
  /** Those with an event, and since when they have it, on the clock of `performance`. */
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

  /** Runs the handler with an event, given as JSON, or refuses it above the quota and where no environment becomes free in time. */
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

  /** Ends every environment; events that wait or run fail. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#holding);
    clearTimeout(this.#growth);
    clearTimeout(this.#refusal);
    const error = { errorType: 'ServiceException', errorMessage: 'The local stack is shutting down.' };
    for (const { settle } of this.#waiting.splice(0)) settle({ error });
    await Promise.all([...this.#environments].map((environment) => environment.stop()));
  }

  /** Ends environments that nobody used since `now - idleMillis`, except the last one. */
  async endIdle(now: number): Promise<void> {
    const old = [...this.#idle].filter(([, since]) => since <= now - idleMillis).map(([environment]) => environment);
    for (const environment of old.slice(0, Math.max(0, this.#environments.size - 1))) {
      this.#idle.delete(environment);
      this.#environments.delete(environment);
      await environment.stop();
    }
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#idle.size > 0) {
      if (this.#isHeld()) return;
      const environment = this.#oldestIdle();
      this.#idle.delete(environment);
      // The others that were held have a busy one more to wait for.
      this.#heldLongEnough = false;
      if (environment.alive) void this.#run(environment, this.#waiting.shift()!);
      else this.#environments.delete(environment);
    }
    if (this.#waiting.length === 0) return;
    this.#grow();
    this.#watchPatience();
  }

  /** Always the same ones first: their code gets compiled, and the others cost nothing but their memory. */
  #oldestIdle(): ExecutionEnvironment {
    for (const environment of this.#environments) if (this.#idle.has(environment)) return environment;
    throw new Error('No environment is idle.');
  }

  /** Whether the first event waits a little longer for one of the busy environments. */
  #isHeld(): boolean {
    const heldMillis = this.#options.heldMillis ?? usualHeldMillis;
    const now = performance.now();
    const soonFree = [...this.#busy.values()].filter((since) => since > now - heldMillis).length;
    const left = this.#waiting[0]!.since + heldMillis - now;
    // Whoever waits for much longer than that waits for all others before them, too: every environment is needed.
    const isBehind = left <= -heldMillis;
    if (soonFree < carried || isBehind || (left <= 0 && this.#heldLongEnough)) return false;
    this.#holding ??= setTimeout(() => this.#endHold(), Math.max(0, left));
    return true;
  }

  /**
   * Where this thread itself was busy, environments have answered meanwhile: they are heard first, and their next event is
   * the one that waits.
   */
  #endHold(): void {
    setImmediate(() => {
      this.#holding = undefined;
      this.#heldLongEnough = true;
      this.#dispatch();
      this.#heldLongEnough = false;
    });
  }

  /** Refuses, oldest first, what has waited for too long. */
  #watchPatience(): void {
    if (this.#stopped || this.#refusal) return;
    const longestWaitMillis = this.#options.longestWaitMillis ?? usualLongestWaitMillis;
    const oldest = this.#waiting[0]!.since;
    this.#refusal = setTimeout(
      () => {
        this.#refusal = undefined;
        const error = throttled(`no environment was free for ${longestWaitMillis} ms on this machine`);
        const late = performance.now() - longestWaitMillis;
        while (this.#waiting.length > 0 && this.#waiting[0]!.since <= late) this.#waiting.shift()!.settle({ error });
        if (this.#waiting.length > 0) this.#watchPatience();
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
   * Starts an environment at once where there is none, otherwise when one event has waited for all of the patience: that
   * some event waits at every moment is usual where many come and each is served soon.
   */
  #grow(): void {
    if (this.#stopped || this.#starting > 0 || this.#environments.size >= this.#limit || this.#growth) return;
    if (this.#environments.size === 0) return void this.#start();
    const left = this.#waiting[0]!.since + patienceMillis * this.#environments.size - performance.now();
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
      // The event that asked for the environment fails with the reason; the next one tries a new environment.
      this.#waiting.shift()?.settle({ error });
      return this.#dispatch();
    }
    this.#release(environment);
  }
}
