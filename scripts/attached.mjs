/**
 * Runs a program that ends with its parent process. When the IPC channel closes because the parent has ended, the
 * program gets SIGTERM, which stops it in order.
 *
 * Usage: `node scripts/attached.mjs <file> …arguments`, with an IPC channel.
 */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
process.argv.splice(1, 1);
await import(pathToFileURL(resolve(process.argv[1])).href);
