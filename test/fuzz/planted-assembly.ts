import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';
import type { HandlerName } from '../../lib/handlers.ts';
import { type Mutation, mutate } from '../campaign/bundle.ts';
import { assemblyWith } from '../support/assembly.ts';

const root = join(__dirname, '..', '..');

interface Template {
  Resources: Record<string, { Type: string; Properties: { Code?: { S3Key: string } } }>;
}

/** Returns the cloud assembly of the product with deliberate mistakes in the source of some functions. */
export async function plantedAssembly(
  settings: Record<string, string>,
  directory: string,
  mistakes: Partial<Record<HandlerName, readonly Mutation[]>>,
): Promise<string> {
  const assembly = await assemblyWith(settings, directory);
  const template = JSON.parse(await readFile(join(assembly, 'Rollcall.template.json'), 'utf8')) as Template;
  for (const [handler, mutations] of Object.entries(mistakes)) {
    const start = `${handler[0]!.toUpperCase()}${handler.slice(1)}Function`;
    const [, resource] = Object.entries(template.Resources).find(
      ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith(start),
    )!;
    // The folder is a link to the one of the assembly that all tests share.
    const folder = join(assembly, `asset.${resource.Properties.Code!.S3Key.replace(/\.zip$/, '')}`);
    await rm(folder);
    await mkdir(folder);
    await writeFile(join(folder, 'index.mjs'), await bundle(handler, mutations));
  }
  return assembly;
}

/** The bundle of a function. It is made as `lib/build-bundles.ts` makes it, but is not minified. */
async function bundle(handler: string, mutations: readonly Mutation[]): Promise<Uint8Array> {
  const isUsed = new Set<Mutation>();
  const { outputFiles } = await build({
    entryPoints: [join(root, 'lambdas', 'handlers', `${handler}.ts`)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    external: ['pg-native'],
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
    logLevel: 'error',
    plugins: [
      {
        name: 'mistakes',
        setup({ onLoad }) {
          onLoad({ filter: /\/(lambdas|protocol)\/.*\.(ts|lua)$/ }, async ({ path }) => {
            const file = relative(root, path);
            for (const mutation of mutations) if (mutation.file === file) isUsed.add(mutation);
            return {
              contents: mutate(file, await readFile(path, 'utf8'), mutations),
              loader: path.endsWith('.lua') ? 'text' : 'ts',
            };
          });
        },
      },
    ],
  });
  const unused = mutations.find((mutation) => !isUsed.has(mutation));
  if (unused) throw new Error(`The function ${handler} does not contain ${unused.file}; correct the mistake.`);
  return outputFiles[0]!.contents;
}
