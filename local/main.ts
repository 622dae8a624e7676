import { removeEndpoints, writeEndpoints } from './endpoints-file.ts';
import { type LocalStack, startLocalStack } from './stack.ts';
import { readStartOptions } from './start-options.ts';

/** The program of `npm start`: it runs the project's stack on this machine until it is stopped. */

let stack: LocalStack | undefined;
let dataDirectory: string | undefined;
let ending = false;
const startAbort = new AbortController();

async function start(): Promise<void> {
  const options = readStartOptions(process.argv.slice(2), process.env);
  const started = await startLocalStack({ ...options, signal: startAbort.signal, write: (line) => console.log(line) });
  stack = started;
  if (ending) return;
  dataDirectory = options.dataDirectory;
  const file = await writeEndpoints(options.dataDirectory, started);
  void started.failed.then((sentence) => end(1, sentence));
  console.log(
    `Rollcall is ready at ${started.http} (WebSocket ${started.websocket}); all addresses: ${file}; Ctrl-C stops it.`,
  );
}

/**
 * Stops the stack and ends the process. A second call ends the process at once; the backing servers notice it and end
 * too.
 */
async function end(code: number, sentence?: string): Promise<void> {
  if (sentence !== undefined) console.error(sentence);
  if (ending) process.exit(1);
  ending = true;
  console.log('Rollcall is stopping …');
  startAbort.abort();
  await starting;
  if (dataDirectory !== undefined) await removeEndpoints(dataDirectory);
  await stack?.close();
  console.log('Rollcall has stopped.');
  process.exit(code);
}

const sentenceOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const failureText = (error: unknown) => `Rollcall stops because of an unexpected error: ${sentenceOf(error)}`;

// If the reader of standard output has gone (`npm start | head`), writing fails. The error is ignored so that the stop
// still succeeds.
process.stdout.on('error', () => {
  if (!ending) void end(0);
});
process.stderr.on('error', () => {});
process.on('SIGINT', () => void end(0));
process.on('SIGTERM', () => void end(0));
process.on('uncaughtException', (error) => void end(1, failureText(error)));
process.on('unhandledRejection', (error) => void end(1, failureText(error)));

const starting = start().catch((error: unknown) => {
  // The user stopped the start. It has already cleaned up, and its error has no further information.
  if (ending) return;
  ending = true;
  console.error(sentenceOf(error));
  process.exit(1);
});
