import { randomUUID } from 'node:crypto';
import type { Faults } from '../faults.ts';
import type { Output } from '../output.ts';
import type { FunctionDefinition } from '../template/functions.ts';
import { AsynchronousEvents } from './asynchronous-events.ts';
import { isThrottled, quotasOf } from './concurrency-quota.ts';
import type { InvocationResult } from './execution-environment.ts';
import { printFunctionOutput } from './function-log.ts';
import { FunctionPool } from './function-pool.ts';

export interface LambdaRuntimeOptions {
  functions: FunctionDefinition[];
  /** The environment variables of a function, all of them. */
  variablesOf(definition: FunctionDefinition): Record<string, string>;
  faults: Faults;
  output: Output;
}

/** Of many throttled events of a function one is told this often. */
const throttleNoticeMillis = 1000;
const idleCheckMillis = 60_000;

/** Runs the functions of a stack. */
export class LambdaRuntime {
  readonly #functions = new Map<string, FunctionDefinition>();
  readonly #pools = new Map<string, FunctionPool>();
  readonly #output: Output;
  readonly #asynchronous = new AsynchronousEvents();
  /** When a throttled event of a function was last told, and how many were not since. */
  readonly #notices = new Map<string, { at: number; untold: number }>();
  readonly #idleCheck: NodeJS.Timeout;
  #stopped = false;

  constructor({ functions, variablesOf, faults, output }: LambdaRuntimeOptions) {
    this.#output = output;
    const quotaOf = quotasOf(functions);
    for (const definition of functions) {
      const print = (text: string) => printFunctionOutput(output, shortName(definition.name), text);
      const variables = variablesOf(definition);
      this.#functions.set(definition.name, definition);
      const quota = quotaOf(definition);
      this.#pools.set(definition.name, new FunctionPool({ definition, variables, quota, faults, output: print }));
    }
    this.#idleCheck = setInterval(() => this.#endIdle(), idleCheckMillis).unref();
  }

  definition(name: string): FunctionDefinition | undefined {
    return this.#functions.get(name);
  }

  /**
   * Runs a function and waits for its answer, as a synchronous invocation does. Never rejects.
   *
   * @param payload the event, as JSON.
   * @param purpose what it is invoked for, as the log tells it: a route, a schedule.
   */
  invoke(name: string, payload: string, purpose: string): Promise<InvocationResult> {
    return this.#run(name, payload, purpose);
  }

  /** Accepts an event for a function and tries it up to three times, as an asynchronous invocation does. */
  async invokeLater(name: string, payload: string, purpose: string): Promise<void> {
    const givenUp = await this.#asynchronous.accept(() => this.#run(name, payload, purpose));
    if (givenUp) this.#output.log('ERROR', shortName(name), `${purpose} is given up: ${givenUp}`);
  }

  /** Ends every environment; harmless when called again. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#idleCheck);
    this.#asynchronous.stop();
    await Promise.all([...this.#pools.values()].map((pool) => pool.stop()));
  }

  async #run(name: string, payload: string, purpose: string): Promise<InvocationResult> {
    const pool = this.#pools.get(name);
    if (!pool) {
      const error = { errorType: 'ResourceNotFoundException', errorMessage: `Function not found: ${name}` };
      this.#output.log('ERROR', shortName(name), `${error.errorMessage} (${purpose})`);
      return { error };
    }
    const requestId = randomUUID();
    const start = this.#output.debug ? performance.now() : 0;
    const result = await pool.invoke(requestId, payload);
    if (this.#output.debug) {
      const outcome = result.error ? result.error.errorType : outcomeOf(result.answer);
      this.#output.log('DEBUG', shortName(name), `${purpose} ${(performance.now() - start).toFixed(1)} ms ${outcome}`);
    }
    if (result.error && !this.#stopped) this.#report(name, purpose, requestId, result.error);
    return result;
  }

  /** An authorizer refuses by throwing `Unauthorized`: that is an answer, not a fault worth a line. */
  #report(name: string, purpose: string, requestId: string, error: NonNullable<InvocationResult['error']>): void {
    if (error.errorMessage === 'Unauthorized') return;
    if (isThrottled(error)) {
      this.#noteThrottle(name, purpose, error.errorMessage);
      return;
    }
    const place = error.trace?.[1]?.trim();
    const text = `${purpose} failed: ${error.errorType}: ${error.errorMessage}${place ? ` ${place}` : ''} (${requestId})`;
    this.#output.log('ERROR', shortName(name), text);
    if (this.#output.debug) for (const line of error.trace ?? []) this.#output.log('DEBUG', shortName(name), line);
  }

  /** On AWS throttles are a metric; a line for each would only add to the trouble. */
  #noteThrottle(name: string, purpose: string, message: string): void {
    const now = Date.now();
    const last = this.#notices.get(name) ?? { at: 0, untold: 0 };
    if (now - last.at < throttleNoticeMillis) {
      this.#notices.set(name, { ...last, untold: last.untold + 1 });
      return;
    }
    this.#notices.set(name, { at: now, untold: 0 });
    const others = last.untold > 0 ? ` (and ${last.untold} before)` : '';
    this.#output.log('WARN', shortName(name), `${purpose} was throttled: ${message}${others}`);
  }

  async #endIdle(): Promise<void> {
    const now = Date.now();
    for (const pool of this.#pools.values()) await pool.endIdle(now);
  }
}

/** The name without what CDK appends to keep names unique: `SessionFunction1A2B3C4D` is `Session` in the log. */
function shortName(name: string): string {
  return name.replace(/[0-9A-F]{8}$/, '').replace(/(?<=.)Function$/, '');
}

function outcomeOf(answer: unknown): string {
  const status = (answer as { statusCode?: unknown } | null)?.statusCode;
  return status === undefined ? 'ok' : String(status);
}
