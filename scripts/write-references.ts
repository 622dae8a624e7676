/**
 * `npm run references`: writes the files that are made from the protocol, the documents and the docstrings. A test compares them.
 * `-- <folder>` writes them into another folder.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeReferences } from './references/all.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
const target = resolve(project, process.argv[2] ?? '.');
for (const [file, text] of Object.entries(await makeReferences(project))) {
  const path = join(target, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  process.stdout.write(`${file}\n`);
}
