/** `npm run build:client`: writes `client/dist`, the JavaScript and the types of the package. */

import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleClient, clientFolder, entryPoints } from './client-bundle.mjs';

const dist = join(clientFolder, 'dist');
await rm(dist, { recursive: true, force: true });
await bundleClient(Object.keys(entryPoints));

const compiler = join(clientFolder, '..', 'node_modules', 'typescript', 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [compiler, '-p', clientFolder], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);

// Declaration files refer to their sources, but the package contains only the declarations.
const types = join(dist, 'types');
for (const name of await readdir(types, { recursive: true })) {
  if (!name.endsWith('.d.ts')) continue;
  const file = join(types, name);
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace(/(from\s+['"]\.[^'"]*|import\(['"]\.[^'"]*)\.ts(?=['"])/g, '$1.js'));
}
