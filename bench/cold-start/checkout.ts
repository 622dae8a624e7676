import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The bundles of one checkout of the project. */
export interface Built {
  /** The folder with the bundle of a function. */
  directory(name: string): string;
  /** The bytes of code that a start of the function loads. */
  bytesAtStart(name: string): number;
  /** The `NODE_OPTIONS` that the checkout gives to its functions. */
  nodeOptions: string;
}

interface Metafile {
  outputs: Record<string, { bytes: number }>;
}

/** `lib/bundle.ts` of this checkout or of an older one, whose bundles have one file each. */
interface BundleModule {
  bundleHandlers(): { directory(name: string): string; metafile: Metafile };
  filesAtStart?: (metafile: Metafile, name: string) => string[];
}

/** Builds the bundles of a checkout with its own build. @throws Error if the folder is no checkout with its packages. */
export async function buildCheckout(folder: string): Promise<Built> {
  const module = join(folder, 'lib', 'bundle.ts');
  if (!existsSync(module) || !existsSync(join(folder, 'node_modules'))) {
    throw new Error(`There is no installed checkout in ${folder}; run npm ci there first.`);
  }
  const { bundleHandlers, filesAtStart } = (await import(pathToFileURL(module).href)) as BundleModule;
  const { directory, metafile } = bundleHandlers();
  const files = (name: string) => filesAtStart?.(metafile, name) ?? [`dist/${name}/index.mjs`];
  const functionSource = readFileSync(join(folder, 'lib', 'lambda-function.ts'), 'utf8');
  return {
    directory,
    nodeOptions: /NODE_OPTIONS: '([^']*)'/.exec(functionSource)?.[1] ?? '',
    bytesAtStart: (name) => files(name).reduce((sum, file) => sum + metafile.outputs[file]!.bytes, 0),
  };
}
