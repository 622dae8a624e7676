import { realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FunctionDefinition } from '../template/functions.ts';
import { EventSlot } from './event-slot.ts';
import type { EnvironmentData, EnvironmentReply, FunctionError } from './messages.ts';

/** How an invocation ended: with the handler's answer, or with the error payload of Lambda. */
export type InvocationResult = { answer: unknown; error?: undefined } | { error: FunctionError; answer?: undefined };

/** The time limit for loading a bundle. */
const initialisationMillis = 20_000;
/** Size of the young generation. V8's default makes each thread a third larger, and most threads are idle. */
const maxYoungGenerationSizeMb = 8;

/**
 * The folder for the compiled code of a bundle. It is beside the bundle and ends with it, so nobody can write to it who could
 * not change the bundle. If it cannot be written, Node.js compiles the bundle for each thread.
 */
function compileCacheOf(file: string): string {
  return join(dirname(realpathSync(file)), '.compile-cache');
}

/**
 * One execution environment: a thread with its own copy of the bundle. It handles one event at a time and is killed at
 * the function's time-out.
 */
export class ExecutionEnvironment {
  /** Resolves when the bundle is loaded, with an error if loading failed. */
  readonly ready: Promise<FunctionError | undefined>;
  readonly #definition: FunctionDefinition;
  readonly #worker: Worker;
  readonly #events = new EventSlot();
  readonly #output: (text: string) => void;
  readonly #ended: Promise<void>;
  #settle: ((result: InvocationResult) => void) | undefined;
  #becomeReady: (error: FunctionError | undefined) => void = () => {};
  #crash: FunctionError | undefined;
  #alive = true;

  constructor(definition: FunctionDefinition, variables: Record<string, string>, output: (text: string) => void) {
    this.#definition = definition;
    this.#output = output;
    const workerData: EnvironmentData = {
      events: this.#events.memory,
      file: definition.file,
      handler: definition.handler,
      functionName: definition.name,
      functionArn: definition.invokedArn,
      memoryMegabytes: definition.memoryMegabytes,
    };
    this.#worker = new Worker(join(import.meta.dirname, 'bootstrap.ts'), {
      workerData,
      env: { ...variables, NODE_COMPILE_CACHE: compileCacheOf(definition.file) },
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: definition.memoryMegabytes, maxYoungGenerationSizeMb },
    });
    this.ready = new Promise((resolve) => {
      this.#becomeReady = resolve;
    });
    const tooSlow = setTimeout(
      () => this.#end({ errorType: 'Sandbox.Timedout', errorMessage: 'The bundle took too long to load.' }),
      initialisationMillis,
    );
    void this.ready.then(() => clearTimeout(tooSlow));
    this.#worker.on('message', (reply: EnvironmentReply) => this.#receive(reply));
    this.#worker.on('error', (error: Error) => {
      this.#crash = { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] };
    });
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    void this.#ended.then(() => this.#end(this.#crash));
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Passes the next event, as JSON. The environment must be ready and must have no event. */
  invoke(requestId: string, payload: string): Promise<InvocationResult> {
    const { timeoutMillis } = this.#definition;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        const seconds = (timeoutMillis / 1000).toFixed(2);
        const errorMessage = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
        this.#end({ errorType: 'Sandbox.Timedout', errorMessage });
      }, timeoutMillis);
      this.#settle = (result) => {
        clearTimeout(timer);
        this.#settle = undefined;
        resolve(result);
      };
      if (!this.#alive) {
        this.#end(undefined);
        return;
      }
      // An `InvocationRequest`.
      this.#events.put(`[${JSON.stringify(requestId)},${Date.now() + timeoutMillis},${payload}]`);
    });
  }

  /** Ends the thread. Its current event fails. */
  async stop(): Promise<void> {
    this.#end(undefined);
    await this.#ended;
  }

  #receive(reply: EnvironmentReply): void {
    if (typeof reply === 'string') this.#settle?.({ answer: JSON.parse(reply) });
    else if (reply.kind === 'ready') this.#becomeReady(undefined);
    else if (reply.kind === 'output') this.#output(reply.text);
    else if (reply.kind === 'error') this.#settle?.({ error: reply.error });
    else this.#end(reply.error);
  }

  #end(cause: FunctionError | undefined): void {
    const error = cause ?? {
      errorType: 'Runtime.ExitError',
      errorMessage: `The execution environment of ${this.#definition.name} ended before it answered.`,
    };
    this.#becomeReady(error);
    this.#settle?.({ error });
    if (!this.#alive) return;
    this.#alive = false;
    void this.#worker.terminate();
  }
}
