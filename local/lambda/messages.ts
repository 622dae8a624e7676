/** What an execution environment's thread is started with. */
export interface EnvironmentData {
  /** The memory of the slot in which it finds its next event. */
  events: SharedArrayBuffer;
  file: string;
  handler: string;
  functionName: string;
  functionArn: string;
  memoryMegabytes: number;
}

/** One event for the handler; it goes to the thread as JSON, as Lambda hands it over. */
export type InvocationRequest = [requestId: string, deadline: number, event: unknown];

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
