/**
 * `node lib/build-bundles.ts <folder>`: bundles all handlers into the folder, each in a folder of its own, and writes esbuild's
 * `metafile.json` beside them. The exit code is 1 if a handler does not build; then the standard error names the file and the
 * problem.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { type HandlerName, handlerNames, handlers } from './handlers.ts';
import { stripLua } from './strip-lua.ts';

const projectDirectory = join(import.meta.dirname, '..');

/** Defines `require` in the ES module, because CommonJS packages in the bundle load Node's modules with it. */
const requireBanner =
  "import{createRequire as rollcallCreateRequire}from'node:module';const require=rollcallCreateRequire(import.meta.url);";

/**
 * Nothing is written to this folder. Its fixed name keeps the paths in source maps, and so the asset hashes, the same
 * on each run.
 */
const outputDirectory = join(projectDirectory, 'dist');

/** Loads a Lua file as its text, without what only people read. */
const luaText: Plugin = {
  name: 'lua-text',
  setup({ onLoad }) {
    onLoad({ filter: /\.lua$/ }, async ({ path }) => ({
      contents: stripLua(await readFile(path, 'utf8')),
      loader: 'text',
    }));
  },
};

const options = {
  absWorkingDir: projectDirectory,
  outdir: outputDirectory,
  write: false,
  bundle: true,
  plugins: [luaText],
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
    plugins: [...options.plugins],
    mainFields: [...options.mainFields],
    entryPoints: names.map((name) => ({
      in: join(projectDirectory, 'lambdas', 'handlers', `${name}.ts`),
      out: `${name}/index`,
    })),
    ...(splits ? { splitting: true, chunkNames: `${first}/[name]-[hash]` } : {}),
  };
}

const [target] = process.argv.slice(2);
if (!target) throw new Error('Give the folder for the bundles.');
const metafile: Metafile = { inputs: {}, outputs: {} };
const results = await Promise.all(runs().map((names) => build(optionsFor(names))));
for (const { metafile: part, outputFiles } of results) {
  Object.assign(metafile.inputs, part.inputs);
  Object.assign(metafile.outputs, part.outputs);
  for (const file of outputFiles) {
    const path = join(target, relative(outputDirectory, file.path));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.contents);
  }
}
await writeFile(join(target, 'metafile.json'), JSON.stringify(metafile));
