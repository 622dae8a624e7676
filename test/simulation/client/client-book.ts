import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { CreateClient } from './client-world.ts';

const client = join(__dirname, '../../../client');

/** A deliberate mistake in a file of the client. Its text must be in the file, otherwise it proves nothing. */
export interface ClientChange {
  file: string;
  find: string;
  replace: string;
}

/** Builds the client from its sources, with the given mistakes. */
export async function clientWith(changes: readonly ClientChange[]): Promise<CreateClient> {
  const unused = new Set(changes);
  const mistakes: Plugin = {
    name: 'mistakes',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        let contents = await readFile(path, 'utf8');
        for (const change of changes) {
          if (relative(client, path) !== change.file || !contents.includes(change.find)) continue;
          contents = contents.replaceAll(change.find, change.replace);
          unused.delete(change);
        }
        return { contents, loader: 'ts' };
      });
    },
  };
  const { outputFiles } = await build({
    entryPoints: [join(client, 'client.ts')],
    bundle: true,
    format: 'cjs',
    target: 'es2023',
    write: false,
    plugins: [mistakes],
  });
  for (const { file, find } of unused) throw new Error(`client/${file} does not contain: ${find}`);
  const module = { exports: {} as { createClientIn: CreateClient } };
  new Function('module', 'exports', outputFiles[0]!.text)(module, module.exports);
  return module.exports.createClientIn;
}
