/** The data with which the thread of an execution environment starts. */
export interface EnvironmentData {
  /** The memory of the slot for its events. */
  events: SharedArrayBuffer;
  file: string;
  handler: string;
  functionName: string;
  functionArn: string;
  memoryMegabytes: number;
}

/** One event for the handler, passed to the thread as JSON. */
export type InvocationRequest = [requestId: string, deadline: number, event: unknown];

/** The error payload of Lambda. */
export interface FunctionError {
  errorType: string;
  errorMessage: string;
  trace?: string[];
}

/** A string is the answer of the handler, as JSON. */
export type EnvironmentReply =
  | string
  | { kind: 'ready' }
  | { kind: 'unusable'; error: FunctionError }
  | { kind: 'error'; error: FunctionError }
  | { kind: 'output'; text: string };
