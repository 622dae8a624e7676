/**
 * `node scripts/client-size.mjs`: how large the client is in a browser: bundled and minified by esbuild, then gzip.
 * With `--check` it fails if an entry point is larger than its limit, or than `--index=<bytes>`.
 */
import { gzipSync } from 'node:zlib';
import { bundleClient } from './client-bundle.mjs';

/**
 * Most bytes of each entry point; `react`, `vue`, `ui`, `yjs`, `verify` and `timeline` are counted without the core. The goal for `index` is
 * 8,000. It is not reached yet, and the limit keeps `index` from growing. `peer-sizes.mjs` measures other clients; the
 * smallest with presence is `phoenix` with 8,288.
 */
export const limits = { index: 12_150, react: 2500, vue: 2500, ui: 6000, yjs: 1500, verify: 4500, timeline: 5450 };

/** Returns the bytes of an entry point with all its imports. */
export async function measureClient(name) {
  const { outputFiles } = await bundleClient([name], { splitting: false, write: false });
  const { contents } = outputFiles[0];
  return { minified: contents.length, gzip: gzipSync(contents, { level: 9 }).length };
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  let isTooLarge = false;
  for (const [name, standard] of Object.entries(limits)) {
    const given = process.argv.find((argument) => argument.startsWith(`--${name}=`));
    const limit = given ? Number(given.split('=')[1]) : standard;
    const { minified, gzip } = await measureClient(name);
    process.stdout.write(`${name}: ${minified} bytes minified, ${gzip} with gzip (at most ${limit})\n`);
    isTooLarge ||= gzip > limit;
  }
  if (isTooLarge && process.argv.includes('--check')) process.exitCode = 1;
}
