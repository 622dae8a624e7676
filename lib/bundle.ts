import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { type BuildOptions, buildSync, type Metafile } from 'esbuild';
import { type HandlerName, handlerNames, handlers } from './handlers.ts';

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

const options = {
  absWorkingDir: projectDirectory,
  outdir: outputDirectory,
  write: false,
  bundle: true,
  loader: { '.lua': 'text' },
  alias: {
    '@aws-sdk/credential-provider-node': join(projectDirectory, 'lambdas/platform/environment-credentials.ts'),
  },
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
  const metafile: Metafile = { inputs: {}, outputs: {} };
  for (const names of runs()) {
    const result = buildSync(optionsFor(names));
    Object.assign(metafile.inputs, result.metafile.inputs);
    Object.assign(metafile.outputs, result.metafile.outputs);
    for (const file of result.outputFiles) {
      const path = join(target, relative(outputDirectory, file.path));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, file.contents);
    }
  }
  cpSync(join(projectDirectory, 'migrations'), join(target, 'migrate', 'migrations'), { recursive: true });
  return { directory: (name) => join(target, name), metafile };
}

/**
 * The handlers of each run of esbuild. One run for many handlers is much faster than one for each. A handler with several
 * files has its own run, so that it shares no file with others.
 */
function runs(): HandlerName[][] {
  const quick = handlerNames.filter((name) => handlers[name].startsQuickly);
  return [handlerNames.filter((name) => !quick.includes(name)), ...quick.map((name) => [name])];
}

function optionsFor(names: readonly HandlerName[]): BuildOptions & { write: false; metafile: true } {
  const [first] = names;
  const splits = handlers[first!].startsQuickly === true;
  return {
    ...options,
    external: [...options.external],
    mainFields: [...options.mainFields],
    entryPoints: names.map((name) => ({
      in: join(projectDirectory, 'lambdas', 'handlers', `${name}.ts`),
      out: `${name}/index`,
    })),
    ...(splits ? { splitting: true, chunkNames: `${first}/[name]-[hash]` } : {}),
  };
}
