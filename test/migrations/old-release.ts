import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { project, released } from './released.ts';

/** The local stack of the release before: its own code, template and migrations, on the given stores. */
export interface OldRelease {
  http: string;
  websocket: string;
  /** Runs the schedule of a function once. */
  fire(schedule: string): Promise<void>;
  close(): Promise<void>;
}

const git = (...arguments_: string[]) =>
  execFileSync('git', ['-C', project, ...arguments_], { stdio: 'pipe', maxBuffer: 512 * 1024 * 1024 });

/** Whether the commit of the release before is here. A clone without history tries to get it. */
export function hasOldRelease(): boolean {
  const has = () => {
    try {
      git('cat-file', '-e', `${released.commit}^{tree}`);
      return true;
    } catch {
      return false;
    }
  };
  if (has()) return true;
  try {
    git('fetch', '--quiet', '--depth=1', 'origin', released.commit);
  } catch {
    return false;
  }
  return has();
}

/** Starts it. @throws Error with what it wrote, if it does not get ready. */
export async function startOldRelease(stores: { databaseUrl: string; redisUrl: string }): Promise<OldRelease> {
  const directory = await mkdtemp(join(tmpdir(), 'rollcall-old-release-'));
  const code = join(directory, 'code');
  await mkdir(code);
  const archive = git('archive', released.commit);
  execFileSync('tar', ['-x', '-C', code], { input: archive });
  await symlink(join(project, 'node_modules'), join(code, 'node_modules'));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'local/main.ts'], {
    cwd: code,
    env: {
      ...{ PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', PORT: '0' },
      ...{ ROLLCALL_DATA_DIR: join(directory, 'data'), DATABASE_URL: stores.databaseUrl, REDIS_URL: stores.redisUrl },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const close = async () => {
    child.kill('SIGINT');
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const http = await readyAt(child);
    const fire = async (schedule: string) => {
      const response = await fetch(`${http}/dev/fire?schedule=${schedule}`, { method: 'POST' });
      if (!response.ok) throw new Error(`The schedule ${schedule} answered ${response.status}.`);
    };
    return { http, websocket: `${http.replace('http', 'ws')}/live`, fire, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function readyAt(child: ChildProcess): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      output += chunk.toString();
      const [, address] = /^Rollcall is ready at (\S+) /m.exec(output) ?? [];
      if (address) resolve(address);
    };
    child.stdout!.on('data', hear);
    child.stderr!.on('data', hear);
    child.once('close', () => reject(new Error(`The release before did not start: ${output}`)));
  });
}
