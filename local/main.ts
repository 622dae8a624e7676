import { removeEndpoints, writeEndpoints } from './endpoints-file.ts';
import { type LocalStack, startLocalStack } from './stack.ts';
import { readStartOptions } from './start-options.ts';

/** What `npm start` runs: the stack of this project on this machine, until it is told to end. */

let stack: LocalStack | undefined;
let dataDirectory: string | undefined;
let ending = false;
const givingUp = new AbortController();

async function start(): Promise<void> {
  const options = readStartOptions(process.argv.slice(2), process.env);
  const started = await startLocalStack({ ...options, signal: givingUp.signal, write: (line) => console.log(line) });
  stack = started;
  if (ending) return;
  dataDirectory = options.dataDirectory;
  const file = await writeEndpoints(options.dataDirectory, started);
  void started.failed.then((sentence) => end(1, sentence));
  console.log(
    `Rollcall is ready at ${started.http} (WebSocket ${started.websocket}); all addresses: ${file}; Ctrl-C stops it.`,
  );
}

/** Ends everything once; asked again, ends at once: the backing servers notice that and follow. */
async function end(code: number, sentence?: string): Promise<void> {
  if (sentence !== undefined) console.error(sentence);
  if (ending) process.exit(1);
  ending = true;
  console.log('Rollcall is stopping …');
  givingUp.abort();
  await starting;
  if (dataDirectory !== undefined) await removeEndpoints(dataDirectory);
  await stack?.close();
  console.log('Rollcall has stopped.');
  process.exit(code);
}

const sentenceOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

// Nobody reads any more (`npm start | head`): nothing is left to say, and the end must not fail by saying it.
process.stdout.on('error', () => {
  if (!ending) void end(0);
});
process.stderr.on('error', () => {});
process.on('SIGINT', () => void end(0));
process.on('SIGTERM', () => void end(0));
process.on('uncaughtException', (error) => void end(1, `Rollcall ends because of an error: ${sentenceOf(error)}`));
process.on('unhandledRejection', (error) => void end(1, `Rollcall ends because of an error: ${sentenceOf(error)}`));

const starting = start().catch((error: unknown) => {
  // Asked to end while starting: the half-started stack is gone already, and its complaint says nothing new.
  if (ending) return;
  ending = true;
  console.error(sentenceOf(error));
  process.exit(1);
});
