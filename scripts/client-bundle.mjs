/** Bundles the client package, for the build and for the measurement of its size. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { privateNames } from './private-names.mjs';

const project = fileURLToPath(new URL('..', import.meta.url));
export const clientFolder = join(project, 'client');

/** Entry points of the package by the name of their output file. */
export const entryPoints = {
  index: 'index.ts',
  testing: 'testing/index.ts',
  'testing-stack': 'testing/stack.ts',
  react: 'react/index.ts',
  vue: 'vue/index.ts',
  ui: 'ui/index.ts',
  yjs: 'yjs/index.ts',
  verify: 'verify/index.ts',
  timeline: 'timeline/index.ts',
  'react-timeline': 'react/timeline.ts',
  'vue-timeline': 'vue/timeline.ts',
};

/** Packages that the application itself installs, and the modules of Node.js. */
const external = ['react', 'vue', 'node:*'];

/** Bundles entry points of the client. Code that they share becomes a separate file. */
export function bundleClient(names, options = {}) {
  return build({
    entryPoints: Object.fromEntries(names.map((name) => [name, join(clientFolder, entryPoints[name])])),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    splitting: true,
    minify: true,
    mangleProps: privateNames,
    outdir: join(clientFolder, 'dist'),
    chunkNames: 'shared-[hash]',
    external,
    logLevel: 'silent',
    ...options,
  });
}
