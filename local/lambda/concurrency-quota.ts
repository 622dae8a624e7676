import { availableParallelism } from 'node:os';
import type { FunctionDefinition } from '../template/functions.ts';
import type { FunctionError } from './messages.ts';

/** The default concurrency quota of an AWS account, shared by all functions. */
const accountConcurrency = 1000;
/**
 * Limits for the environments of one function: for each core of this machine, and the minimum. Each environment is a
 * thread with its own heap and compiled bundle. More environments do not increase the throughput, but each takes some
 * 60 MB.
 */
const environmentsPerCore = 4;
const leastEnvironments = 8;

/** Limits the concurrent events. An event above the limit is refused and not queued. */
export class ConcurrencyQuota {
  readonly #limit: number;
  readonly #reason: string;
  #taken = 0;

  constructor(limit: number, reason: string) {
    this.#limit = limit;
    this.#reason = reason;
  }

  /** Reserves capacity for one event. @returns Lambda's error if the limit is reached. */
  take(): FunctionError | undefined {
    if (this.#taken >= this.#limit) return throttled(`${this.#reason} (${this.#limit})`);
    this.#taken += 1;
    return undefined;
  }

  give(): void {
    this.#taken -= 1;
  }
}

/** The quota of each function: its reserved concurrency, or the shared remainder of the account's quota. */
export function quotasOf(functions: FunctionDefinition[]): (definition: FunctionDefinition) => ConcurrencyQuota {
  const reserved = functions.reduce((sum, { reservedConcurrency }) => sum + (reservedConcurrency ?? 0), 0);
  const shared = new ConcurrencyQuota(accountConcurrency - reserved, 'ConcurrentInvocationLimitExceeded');
  return ({ reservedConcurrency }) =>
    reservedConcurrency === undefined
      ? shared
      : new ConcurrencyQuota(reservedConcurrency, 'ReservedFunctionConcurrentInvocationLimitExceeded');
}

/** The largest number of environments of a function on this machine. */
export function environmentLimit({ reservedConcurrency }: FunctionDefinition): number {
  const carried = Math.max(leastEnvironments, environmentsPerCore * availableParallelism());
  return Math.min(reservedConcurrency ?? carried, carried);
}

/** The error that AWS answers with status 429 for a throttled event. */
export function throttled(reason: string): FunctionError {
  return { errorType: 'TooManyRequestsException', errorMessage: `Rate Exceeded: ${reason}.` };
}

export function isThrottled(error: FunctionError | undefined): boolean {
  return error?.errorType === 'TooManyRequestsException';
}
