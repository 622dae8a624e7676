import { AsyncLocalStorage } from 'node:async_hooks';

/** The ids of what an invocation works on. Every log line contains those that are known. */
export interface LogContext {
  /** The id of the event in API Gateway, or of the run of a sweep. The access log and the answers of API Gateway have it, too. */
  requestId?: string | undefined;
  /** The `requestId` that the client gave its message. */
  clientRequestId?: string | undefined;
  connectionId?: string | undefined;
  sessionId?: string | undefined;
}

const current = new AsyncLocalStorage<LogContext>();

/** Runs work whose log lines contain these ids, also what it started and did not await. */
export function withLogContext<T>(context: LogContext, work: () => T): T {
  return current.run({ ...current.getStore(), ...context }, work);
}

/**
 * Runs work that belongs to no invocation, such as the listener of a client. Without this, its log lines would have the ids of the
 * invocation that made the client.
 */
export function withoutLogContext<T>(work: () => T): T {
  return current.run({}, work);
}

/** The ids of the present work. */
export function logContext(): LogContext {
  return current.getStore() ?? {};
}
