import type { MessagePort } from 'node:worker_threads';

/** What an execution environment's thread is started with. */
export interface EnvironmentData {
  port: MessagePort;
  /** Counts the messages sent to the thread; it sleeps on this while it is frozen. */
  wakeUps: SharedArrayBuffer;
  file: string;
  handler: string;
}

/** One event for the handler, with what its context object tells. */
export interface InvocationRequest {
  requestId: string;
  /** The event as JSON, as Lambda hands it over. */
  event: string;
  deadline: number;
  functionName: string;
  functionArn: string;
  memoryMegabytes: number;
}

/** The error payload of Lambda. */
export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

export type EnvironmentReply =
  | { kind: 'ready' }
  | { kind: 'unusable'; error: FunctionError }
  | { kind: 'answer'; json: string }
  | { kind: 'error'; error: FunctionError }
  | { kind: 'output'; text: string };
