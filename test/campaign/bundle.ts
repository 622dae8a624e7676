import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const root = join(__dirname, '..', '..');

/** A fault put into the product's own source: `from` must be there, so that no change of the source makes it a no-op. */
export interface Mutation {
  /** Path from the project's root. */
  file: string;
  from: string;
  to: string;
}

/**
 * Nothing is away in a campaign (that is for `test/failure`), however busy the machine is; and what a killed invocation
 * waited for must not look to the others of its process as if it were.
 */
const patience: Mutation = {
  file: 'protocol/timings.ts',
  from: 'export const dependencyTimeoutMillis = 1000;',
  to: 'export const dependencyTimeoutMillis = 600_000;',
};

/** Source text with the mutations of its file. */
export function mutate(file: string, source: string, mutations: readonly Mutation[]): string {
  return mutations
    .filter((mutation) => mutation.file === file)
    .reduce((text, { from, to }) => {
      if (!text.includes(from)) throw new Error(`${file} does not say "${from}" any more; mend the mutation.`);
      return text.replace(from, () => to);
    }, source);
}

/** Bundles the campaign's worker with the product, mutated; a worker then starts in a fraction of a second. */
export async function bundleWorker(outfile: string, mutations: readonly Mutation[]): Promise<void> {
  await build({
    entryPoints: [join(__dirname, 'worker.ts')],
    outfile,
    bundle: true,
    loader: { '.lua': 'text' },
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    logLevel: 'error',
    external: ['pg-native'],
    plugins: [
      {
        name: 'mutations',
        setup({ onLoad }) {
          onLoad({ filter: /\/(lambdas|protocol)\/.*\.(ts|lua)$/ }, async ({ path }) => ({
            contents: mutate(relative(root, path), await readFile(path, 'utf8'), [patience, ...mutations]),
            loader: path.endsWith('.lua') ? 'text' : 'ts',
          }));
        },
      },
    ],
  });
}
