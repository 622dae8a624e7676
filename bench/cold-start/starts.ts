import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'start.mjs');

/** The environment of a function as far as loading its code needs it. It reaches no server: loading connects to none. */
const environment = {
  ...{ LOG_LEVEL: 'INFO', AWS_REGION: 'us-east-1' },
  ...{ AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' },
};

/** The cost of one start, in milliseconds. */
export interface Start {
  cpu: number;
  wall: number;
}

/**
 * Loads a bundle in a process of its own, as a new execution environment does.
 *
 * @param nodeOptions the `NODE_OPTIONS` of the function.
 * @throws Error if it does not load.
 */
export async function startOnce(folder: string, nodeOptions: string): Promise<Start> {
  const file = pathToFileURL(join(folder, 'index.mjs')).href;
  const { stdout } = await run(process.execPath, [program, file], {
    env: { ...environment, NODE_OPTIONS: nodeOptions },
  });
  return JSON.parse(stdout) as Start;
}
