import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';
import { type HandlerName, handlerNames } from './handlers.ts';

/** The project's folder. */
export const projectDirectory = join(import.meta.dirname, '..');

/** Defines `require` in the ES module, because CommonJS packages in the bundle load Node's modules with it. */
const requireBanner =
  "import{createRequire as rollcallCreateRequire}from'node:module';const require=rollcallCreateRequire(import.meta.url);";

/**
 * Nothing is written to this folder. Its fixed name keeps the paths in source maps, and so the asset hashes, the same
 * on each run.
 */
const outputDirectory = join(projectDirectory, 'dist');

/** The esbuild options. One run bundles all handlers, which is ten times faster than one run for each. */
export const bundleOptions = {
  absWorkingDir: projectDirectory,
  entryPoints: handlerNames.map((name) => ({
    in: join(projectDirectory, 'lambdas', 'handlers', `${name}.ts`),
    out: `${name}/index`,
  })),
  outdir: outputDirectory,
  write: false,
  bundle: true,
  loader: { '.lua': 'text' },
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
  /** Lists the inputs and the size of each bundle; tests read it. */
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
