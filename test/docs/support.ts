import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const project = join(__dirname, '../..');

/** A fenced code block of a page. */
export interface CodeBlock {
  /** The page, relative to the project. */
  page: string;
  /** The word behind the fence, for example `ts`. */
  language: string;
  code: string;
  /** The path in the first line, for example `src/App.tsx` of `// src/App.tsx`. */
  file: string | undefined;
}

/**
 * The code blocks of a page in their order.
 *
 * @param section the heading of the only section to read, without `## `. Default: the whole page.
 * @throws Error if the page has no such section.
 */
export function codeBlocks(page: string, section?: string): CodeBlock[] {
  const whole = readFileSync(join(project, page), 'utf8');
  const text = section === undefined ? whole : whole.split(/^## /m).find((part) => part.startsWith(`${section}\n`));
  if (text === undefined) throw new Error(`${page} has no section "${section}".`);
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => {
    const [, file] = /^(?:\/\/|#|<!--) (\S+\.\w+)(?: -->)?\n/.exec(code!) ?? [];
    return { page, language: language!, code: code!, file };
  });
}

/** The code block of a page for this file. @throws Error if the page has none. */
export function codeOf(page: string, file: string): string {
  const found = codeBlocks(page).find((block) => block.file === file);
  if (!found) throw new Error(`${page} has no code block that begins with ${file}.`);
  return found.code;
}

/** The pages of a folder and of the folders in it, relative to the project. */
export function pagesOf(folder: string): string[] {
  const names = readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`);
}

/**
 * Runs a program until it ends.
 *
 * @param options `env` are variables beside those of this process, or, with `onlyEnv`, the only ones.
 * @returns its exit code and everything it wrote, in order.
 */
export async function runProgram(
  program: string,
  arguments_: readonly string[],
  options: { cwd: string; env?: Record<string, string>; onlyEnv?: boolean },
): Promise<{ code: number | null; output: string }> {
  const env = options.onlyEnv ? options.env : { ...process.env, ...options.env };
  const child = spawn(program, arguments_, { cwd: options.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return { code, output };
}
