import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs the AWS command line, which has the credentials of the caller, and returns its JSON.
 *
 * @throws Error with its message, or with the next step if it is not installed.
 */
export async function aws(arguments_: readonly string[]): Promise<unknown> {
  try {
    const { stdout } = await run('aws', [...arguments_, '--output', 'json'], { maxBuffer: 16 * 1024 * 1024 });
    return stdout.trim() === '' ? undefined : JSON.parse(stdout);
  } catch (error) {
    const { code, stderr, message } = error as { code?: string; stderr?: string; message: string };
    if (code === 'ENOENT') throw new Error('Install the AWS command line (aws), or leave --stack out.');
    throw new Error(stderr?.trim() || message);
  }
}
