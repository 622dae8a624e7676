import type { MessagePort } from 'node:worker_threads';

/** What an execution environment's thread is started with. */
export interface EnvironmentData {
  port: MessagePort;
  /** Counts the messages sent to the thread; it sleeps on this while it is frozen. */
  wakeUps: SharedArrayBuffer;
  file: string;
  handler: string;
  functionName: string;
  functionArn: string;
  memoryMegabytes: number;
}

/**
 * One event for the handler, as JSON, as Lambda hands it over. A short list is copied from thread to thread at half the
 * cost of an object with names.
 */
export type InvocationRequest = [requestId: string, deadline: number, event: string];

/** The error payload of Lambda. */
export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

/** A text is the answer of the handler, as JSON. */
export type EnvironmentReply =
  | string
  | { kind: 'ready' }
  | { kind: 'unusable'; error: FunctionError }
  | { kind: 'error'; error: FunctionError }
  | { kind: 'output'; text: string };
