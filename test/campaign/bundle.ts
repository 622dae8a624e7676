import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(__dirname, '..', '..');

/** A mutation of the product's source. The text `from` must exist, so that a change of the source cannot disable the mutation. */
export interface Mutation {
  /** The path from the project's root. */
  file: string;
  from: string;
  to: string;
}

/**
 * In a campaign no store is away (`test/failure` tests that), even on a busy machine. So the time limits are long, and a request of
 * a killed invocation must not open the circuit breaker of its process.
 */
const patience: Mutation = {
  file: 'protocol/timings.ts',
  from: 'export const dependencyTimeoutMillis = 1000;',
  to: 'export const dependencyTimeoutMillis = 600_000;',
};

/** The source text with the mutations of its file. */
export function mutate(file: string, source: string, mutations: readonly Mutation[]): string {
  return mutations
    .filter((mutation) => mutation.file === file)
    .reduce((text, { from, to }) => {
      if (!text.includes(from)) throw new Error(`${file} no longer contains "${from}"; correct the mutation.`);
      return text.replace(from, () => to);
    }, source);
}

/** Bundles the campaign's worker with the mutated product, so that a worker starts in a fraction of a second. */
export async function bundleWorker(outfile: string, mutations: readonly Mutation[]): Promise<void> {
  await build({
    entryPoints: [join(__dirname, 'worker.ts')],
    outfile,
    bundle: true,
    loader: { '.lua': 'text' },
    platform: 'node',
    format: 'cjs',
    // A CommonJS file has no address; the product reads that of its bundle when it is loaded.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(outfile).href) },
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
