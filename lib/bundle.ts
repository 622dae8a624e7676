import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';
import { type HandlerName, handlerNames } from './handlers.ts';

/** The project's folder. */
export const projectDirectory = join(import.meta.dirname, '..');

/** Lets the CommonJS packages inside an ES module ask for Node's own modules. */
const requireBanner =
  "import{createRequire as rollcallCreateRequire}from'node:module';const require=rollcallCreateRequire(import.meta.url);";

/** A name only: nothing is written there. Being fixed, it keeps paths in source maps, and so the hashes, the same. */
const outputDirectory = join(projectDirectory, 'dist');

/** How a handler becomes `index.mjs`; one esbuild run takes all of them, which is ten times as quick as one each. */
export const bundleOptions = {
  absWorkingDir: projectDirectory,
  entryPoints: handlerNames.map((name) => ({
    in: join(projectDirectory, 'lambdas', 'handlers', `${name}.ts`),
    out: `${name}/index`,
  })),
  outdir: outputDirectory,
  write: false,
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  outExtension: { '.js': '.mjs' },
  minify: true,
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  external: ['pg-native'],
  banner: { js: requireBanner },
  metafile: true,
  logLevel: 'silent',
} as const satisfies BuildOptions;

export interface Bundles {
  /** The folder with `index.mjs` of a handler. */
  directory(name: HandlerName): string;
  /** What esbuild put into which file, for tests about contents and weight. */
  metafile: Metafile;
}

let built: Bundles | undefined;

/**
 * Bundles every handler, once in a process.
 *
 * @throws Error naming the file and what is wrong with it when a handler does not build.
 */
export function bundleHandlers(): Bundles {
  built ??= build();
  return built;
}

function build(): Bundles {
  const result = buildSync(bundleOptions as BuildOptions & { write: false; metafile: true });
  const target = mkdtempSync(join(tmpdir(), 'rollcall-bundle-'));
  process.once('exit', () => rmSync(target, { recursive: true, force: true }));
  for (const file of result.outputFiles) {
    const path = join(target, relative(outputDirectory, file.path));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.contents);
  }
  cpSync(join(projectDirectory, 'migrations'), join(target, 'migrate', 'migrations'), { recursive: true });
  return { directory: (name) => join(target, name), metafile: result.metafile };
}
