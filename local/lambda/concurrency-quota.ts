import { availableParallelism } from 'node:os';
import type { FunctionDefinition } from '../template/functions.ts';
import type { FunctionError } from './messages.ts';

/** How many events of an account may run at once, in all functions together, unless AWS was asked for more. */
const accountConcurrency = 1000;
/**
 * How many environments of one function a core of this machine carries, and how many there may be on the smallest one.
 * Each is a thread with a heap and a compiled bundle of its own: more of them do not serve more events a second, they
 * take longer for each and some 60 MB.
 */
const environmentsPerCore = 4;
const leastEnvironments = 8;

/** Events that may run at once. One that comes above it is refused, never kept. */
export class ConcurrencyQuota {
  readonly #limit: number;
  readonly #reason: string;
  #taken = 0;

  constructor(limit: number, reason: string) {
    this.#limit = limit;
    this.#reason = reason;
  }

  /** Takes a place for one event. @returns the refusal in Lambda's words where there is none. */
  take(): FunctionError | undefined {
    if (this.#taken >= this.#limit) return throttled(`${this.#reason} (${this.#limit})`);
    this.#taken += 1;
    return undefined;
  }

  give(): void {
    this.#taken -= 1;
  }
}

/** The quota of each function: its own where the template reserves one, otherwise the rest of the account's, shared. */
export function quotasOf(functions: FunctionDefinition[]): (definition: FunctionDefinition) => ConcurrencyQuota {
  const reserved = functions.reduce((sum, { reservedConcurrency }) => sum + (reservedConcurrency ?? 0), 0);
  const shared = new ConcurrencyQuota(accountConcurrency - reserved, 'ConcurrentInvocationLimitExceeded');
  return ({ reservedConcurrency }) =>
    reservedConcurrency === undefined
      ? shared
      : new ConcurrencyQuota(reservedConcurrency, 'ReservedFunctionConcurrentInvocationLimitExceeded');
}

/** How many environments of a function this machine starts at most. */
export function environmentLimit({ reservedConcurrency }: FunctionDefinition): number {
  const carried = Math.max(leastEnvironments, environmentsPerCore * availableParallelism());
  return Math.min(reservedConcurrency ?? carried, carried);
}

/** What AWS answers, as status 429, instead of running an event. */
export function throttled(reason: string): FunctionError {
  return { errorType: 'TooManyRequestsException', errorMessage: `Rate Exceeded: ${reason}.` };
}

export function isThrottled(error: FunctionError | undefined): boolean {
  return error?.errorType === 'TooManyRequestsException';
}
