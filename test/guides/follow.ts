import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type CodeBlock, codeBlocks, runProgram } from '../docs/support.ts';
import { copySources } from '../support/packed-client.ts';

/** Commands that run until they are stopped. */
const serverCommand = /^(npm run dev|npx --yes http-server\S*)$/;

/** Variables of the user that the commands get. Those of Jest and of npm would change what the commands do. */
const keptVariables = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'HTTPS_PROXY', 'https_proxy', 'NODE_EXTRA_CA_CERTS'];

export interface Guide {
  /** The page, relative to the project. */
  page: string;
  /** The heading of the only section that is followed. Default: the whole page. */
  section?: string;
}

/**
 * Follows a guide as a reader does who begins in the folder of Rollcall: runs its commands, and writes each block of code that
 * names a file into this file. Other blocks of code are examples.
 *
 * @param variables further variables of the commands.
 * @param look is called with the address of the server that the guide starts. The server stops when it returns.
 * @throws Error with the output of a command that fails.
 */
export async function followGuide(
  { page, section }: Guide,
  variables: Record<string, string>,
  look: (address: string) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'rollcall-guide-'));
  const reader = new Reader(join(root, 'rollcall'), environmentWith(variables), look);
  try {
    await mkdir(reader.folder);
    await copySources(reader.folder);
    for (const block of codeBlocks(page, section)) await reader.follow(block);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  if (!reader.looked) throw new Error(`${page} starts no server.`);
}

function environmentWith(variables: Record<string, string>): Record<string, string> {
  const kept = keptVariables.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...Object.fromEntries(kept), ...variables };
}

class Reader {
  folder: string;
  looked = false;
  readonly #environment: Record<string, string>;
  readonly #look: (address: string) => Promise<void>;

  constructor(folder: string, environment: Record<string, string>, look: (address: string) => Promise<void>) {
    this.folder = folder;
    this.#environment = environment;
    this.#look = look;
  }

  async follow({ language, code, file }: CodeBlock): Promise<void> {
    if (language === 'sh' && serverCommand.test(code.trim())) await this.#serve(code.trim());
    else if (language === 'sh') await this.#run(code);
    else if (file) await this.#write(file, code);
  }

  /** Runs commands; a `cd` among them counts for the next ones. */
  async #run(commands: string): Promise<void> {
    const memory = await mkdtemp(join(tmpdir(), 'rollcall-folder-'));
    const script = `set -e\n${commands}\npwd > '${memory}/folder'`;
    const options = { cwd: this.folder, env: this.#environment, onlyEnv: true };
    const { code, output } = await runProgram('sh', ['-c', script], options);
    if (code !== 0) throw new Error(`These commands fail with code ${code}:\n${commands}\n${output}`);
    this.folder = (await readFile(join(memory, 'folder'), 'utf8')).trim();
    await rm(memory, { recursive: true });
  }

  async #write(file: string, code: string): Promise<void> {
    const path = join(this.folder, file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, code);
  }

  async #serve(command: string): Promise<void> {
    const server = spawn('sh', ['-c', command], {
      cwd: this.folder,
      env: this.#environment,
      // A process group of its own, so that everything that the command starts can be stopped.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(server, 'close');
    try {
      await this.#look(await addressOf(server, command));
      this.looked = true;
    } finally {
      if (server.exitCode === null) process.kill(-server.pid!, 'SIGTERM');
      await ended;
    }
  }
}

/** Waits until a server says its address. @throws Error with its output if it ends before. */
function addressOf(server: ChildProcess, command: string): Promise<string> {
  let output = '';
  return new Promise((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      output += stripVTControlCharacters(chunk.toString());
      const [address] = /http:\/\/(localhost|127\.0\.0\.1):\d+(?=\s|\/)/.exec(output) ?? [];
      if (address) resolve(address);
    };
    for (const stream of [server.stdout!, server.stderr!]) stream.on('data', listen);
    server.once('close', () => reject(new Error(`${command} ended before it served anything:\n${output}`)));
  });
}
