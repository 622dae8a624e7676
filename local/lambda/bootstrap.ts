/**
 * The thread of one execution environment. It loads the bundle and then handles one event at a time.
 *
 * Between two events the thread is frozen, as in Lambda: it blocks in `slot.take()`. So no timer fires and no pending
 * promise continues before the next event.
 */
import { flushCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { EventSlot } from './event-slot.ts';
import type { EnvironmentData, EnvironmentReply, FunctionError, InvocationRequest } from './messages.ts';

const { events, file, handler, functionName, functionArn, memoryMegabytes } = workerData as EnvironmentData;
/** Lambda's limit for the answer of a synchronous invocation. */
const maximumAnswerBytes = 6_291_556;
const slot = new EventSlot(events);
const reply = (message: EnvironmentReply) => parentPort!.postMessage(message);
/** After a freeze of this length, the thread checks its sockets before it handles an event. */
const longFreezeMillis = 50;

/**
 * Sends output as messages, in order with the answers. The streams of a thread would not be flushed during a freeze.
 */
function captureOutput(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = ((chunk: string | Uint8Array, encoding?: unknown, done?: unknown) => {
      reply({ kind: 'output', text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString() });
      const callback = typeof encoding === 'function' ? encoding : done;
      if (typeof callback === 'function') callback();
      return true;
    }) as typeof stream.write;
  }
}

function describe(error: unknown): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  return {
    errorType: error.constructor.name === 'Error' ? error.name : error.constructor.name,
    errorMessage: error.message,
    trace: error.stack?.split('\n') ?? [],
  };
}

type Handler = (event: unknown, context: unknown) => unknown;

async function loadHandler(): Promise<Handler> {
  const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  const exported = loaded[handler] ?? (loaded['default'] as Record<string, unknown> | undefined)?.[handler];
  if (typeof exported !== 'function') throw new Error(`${file} exports no function named "${handler}".`);
  return exported as Handler;
}

function contextOf(requestId: string, deadline: number): unknown {
  return {
    callbackWaitsForEmptyEventLoop: false,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn,
    memoryLimitInMB: String(memoryMegabytes),
    awsRequestId: requestId,
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

function answerOf(json: string): EnvironmentReply {
  if (json.length <= maximumAnswerBytes) return json;
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${maximumAnswerBytes} bytes).`;
  return { kind: 'error', error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } };
}

async function serve(handle: Handler): Promise<never> {
  for (;;) {
    const frozenAt = performance.now();
    const [requestId, deadline, event] = JSON.parse(slot.take()) as InvocationRequest;
    // One turn of the event loop, so that sockets closed meanwhile are noticed before they are used.
    if (performance.now() - frozenAt > longFreezeMillis) await new Promise((resolve) => setImmediate(resolve));
    try {
      const answer = await handle(event, contextOf(requestId, deadline));
      reply(answerOf(JSON.stringify(answer ?? null)));
    } catch (error) {
      reply({ kind: 'error', error: describe(error) });
    }
  }
}

captureOutput();
// The cache is this stack's own matter. On AWS a function does not see this variable.
delete process.env['NODE_COMPILE_CACHE'];
try {
  const loaded = await loadHandler();
  // The next environment of the function uses it, while this one is still running.
  flushCompileCache();
  reply({ kind: 'ready' });
  await serve(loaded);
} catch (error) {
  reply({ kind: 'unusable', error: describe(error) });
}
