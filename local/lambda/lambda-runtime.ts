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
  /** All environment variables of a function. */
  variablesOf(definition: FunctionDefinition): Record<string, string>;
  faults: Faults;
  output: Output;
}

/** The shortest interval between log lines about throttled events of a function. */
const throttleNoticeMillis = 1000;
const idleCheckMillis = 60_000;

/** Runs the functions of a stack. */
export class LambdaRuntime {
  readonly #functions = new Map<string, FunctionDefinition>();
  readonly #pools = new Map<string, FunctionPool>();
  readonly #output: Output;
  readonly #asynchronous = new AsynchronousEvents();
  /** For each function: the time of the last log line about throttling, and the number of throttled events since. */
  readonly #throttleNotices = new Map<string, { at: number; unlogged: number }>();
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
   * @param purpose why it is invoked (a route, a schedule), for the log.
   */
  invoke(name: string, payload: string, purpose: string): Promise<InvocationResult> {
    return this.#run(name, payload, purpose);
  }

  /** Invokes a function asynchronously: it tries the event up to three times. */
  async invokeLater(name: string, payload: string, purpose: string): Promise<void> {
    const dropReason = await this.#asynchronous.accept(() => this.#run(name, payload, purpose));
    if (dropReason) this.#output.log('ERROR', shortName(name), `${purpose} was dropped: ${dropReason}`);
  }

  /** Ends a share of the environments of each function, from 0 to 1, as the loss of a zone does. @returns how many. */
  async endEnvironments(share: number): Promise<number> {
    const counts = await Promise.all([...this.#pools.values()].map((pool) => pool.endShare(share)));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Ends all environments. Later calls do nothing. */
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

  /** An authorizer refuses by throwing `Unauthorized`. This is a normal answer and is not logged. */
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

  /** Logs throttled events, at most one line per interval: a line for each would increase the load. */
  #noteThrottle(name: string, purpose: string, message: string): void {
    const now = Date.now();
    const last = this.#throttleNotices.get(name) ?? { at: 0, unlogged: 0 };
    if (now - last.at < throttleNoticeMillis) {
      this.#throttleNotices.set(name, { ...last, unlogged: last.unlogged + 1 });
      return;
    }
    this.#throttleNotices.set(name, { at: now, unlogged: 0 });
    const others = last.unlogged > 0 ? ` (and ${last.unlogged} before)` : '';
    this.#output.log('WARN', shortName(name), `${purpose} was throttled: ${message}${others}`);
  }

  async #endIdle(): Promise<void> {
    const now = Date.now();
    for (const pool of this.#pools.values()) await pool.endIdle(now);
  }
}

/** The name without the suffix that CDK appends: `SessionFunction1A2B3C4D` is `Session` in the log. */
function shortName(name: string): string {
  return name.replace(/[0-9A-F]{8}$/, '').replace(/(?<=.)Function$/, '');
}

function outcomeOf(answer: unknown): string {
  const status = (answer as { statusCode?: unknown } | null)?.statusCode;
  return status === undefined ? 'ok' : String(status);
}
