/**
 * Builds the pages of a folder with Vite: `build-pages.ts <folder with *.html> <output folder> [base]`. With the
 * base `./` they can be served at any path. It is a separate process, so that the memory and threads of the builder are freed
 * afterwards.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { build } from 'vite';

const [root = '', outDir = '', base = '/'] = process.argv.slice(2);
const input = readdirSync(root)
  .filter((name) => name.endsWith('.html'))
  .map((name) => join(root, name));

/** Vite prints an error with an excerpt of the source. Only the line with the reason is kept. */
function sentenceOf(error: unknown): string {
  const text = stripVTControlCharacters(error instanceof Error ? error.message : String(error));
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.find((line) => !line.endsWith(':')) ?? text;
  return telling.replace(/^\[\w+\] /, '');
}

try {
  await build({
    root,
    base,
    logLevel: 'silent',
    build: { outDir, emptyOutDir: true, sourcemap: true, target: 'es2022', rollupOptions: { input } },
  });
} catch (error) {
  process.stderr.write(`${sentenceOf(error)}\n`);
  process.exitCode = 1;
}
