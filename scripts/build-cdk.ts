/**
 * `npm run build:cdk`: writes `cdk/dist`, the JavaScript, the types and the bundled functions of the package `@rollcall/cdk`.
 * `-- --reference` also writes its API reference, `docs/cdk-reference.md`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { bundleHandlers, projectDirectory } from '../lib/bundle.ts';
import { handlerNames } from '../lib/handlers.ts';
import { referenceOf } from './cdk-reference.ts';

const folder = join(projectDirectory, 'cdk');
const dist = join(folder, 'dist');
rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

// Most CDK apps are CommonJS. An ES module can import this too.
buildSync({
  absWorkingDir: projectDirectory,
  entryPoints: [join(folder, 'index.ts')],
  outfile: join(dist, 'index.js'),
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  define: { 'import.meta.dirname': '__dirname' },
  external: ['aws-cdk-lib', 'constructs'],
  keepNames: true,
  logLevel: 'warning',
});
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');

const bundles = bundleHandlers();
for (const name of handlerNames) cpSync(bundles.directory(name), join(dist, 'handlers', name), { recursive: true });

const compiler = join(projectDirectory, 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', folder], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

// Declaration files refer to their sources, but the package contains only the declarations.
const types = join(dist, 'types');
for (const name of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.d.ts')) continue;
  const file = join(types, name);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/(from\s+['"]\.[^'"]*|import\(['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js'));
}

if (process.argv.includes('--reference')) {
  writeFileSync(join(projectDirectory, 'docs', 'cdk-reference.md'), referenceOf(types));
}
