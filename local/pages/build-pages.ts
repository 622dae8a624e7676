/** Builds the pages of a folder with Vite: `build-pages.ts <folder with *.html> <output folder>`. A process of its own,
 * so that the builder's memory and threads are gone once the pages are there. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';

const [root = '', outDir = ''] = process.argv.slice(2);
const input = readdirSync(root)
  .filter((name) => name.endsWith('.html'))
  .map((name) => join(root, name));

await build({
  root,
  logLevel: 'error',
  build: { outDir, emptyOutDir: true, sourcemap: true, target: 'es2022', rollupOptions: { input } },
});
