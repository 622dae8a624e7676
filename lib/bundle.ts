import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metafile } from 'esbuild';
import type { HandlerName } from './handlers.ts';

/** The project's folder. */
export const projectDirectory = join(import.meta.dirname, '..');

export interface Bundles {
  /** The folder with `index.mjs` of a handler. */
  directory(name: HandlerName): string;
  /** Lists the inputs and the size of each file; tests read it. */
  metafile: Metafile;
}

let built: Bundles | undefined;

/**
 * Bundles all handlers. Later calls in the same process return the same result.
 *
 * @throws Error that names the file and the problem, if a handler does not build.
 */
export function bundleHandlers(): Bundles {
  built ??= build();
  return built;
}

/** The files of a handler's bundle as the metafile names them, without source maps. */
export function filesOf({ outputs }: Metafile, name: HandlerName): string[] {
  return Object.keys(outputs).filter((file) => file.startsWith(`dist/${name}/`) && file.endsWith('.mjs'));
}

/** The files that a start of the function loads: `index.mjs` and what it imports statically, directly or not. */
export function filesAtStart({ outputs }: Metafile, name: HandlerName): string[] {
  const files = new Set([`dist/${name}/index.mjs`]);
  // A set yields what is added during the loop, too.
  for (const file of files) {
    for (const { path, kind } of outputs[file]!.imports) {
      if (kind === 'import-statement' && path in outputs) files.add(path);
    }
  }
  return [...files];
}

function build(): Bundles {
  const target = mkdtempSync(join(tmpdir(), 'rollcall-bundle-'));
  process.once('exit', () => rmSync(target, { recursive: true, force: true }));
  // The CDK waits for no promise, but esbuild's plugins need one. So the build runs in a process of its own.
  const program = join(projectDirectory, 'lib', 'build-bundles.ts');
  execFileSync(process.execPath, [program, target], { stdio: ['ignore', 'ignore', 'pipe'] });
  const metafile = JSON.parse(readFileSync(join(target, 'metafile.json'), 'utf8')) as Metafile;
  cpSync(join(projectDirectory, 'migrations'), join(target, 'migrate', 'migrations'), { recursive: true });
  return { directory: (name) => join(target, name), metafile };
}
