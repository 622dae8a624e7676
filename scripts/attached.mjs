/**
 * Runs a program so that it ends with the process that started it: when the channel breaks, because the starter ended in
 * whatever way, the program gets the same SIGTERM that would have ended it in order.
 *
 * Usage: `node scripts/attached.mjs <file> …arguments`, with an IPC channel.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
process.argv.splice(1, 1);
await import(pathToFileURL(resolve(process.argv[1])).href);
