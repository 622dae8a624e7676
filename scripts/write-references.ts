/** `npm run references`: writes the files that are made from the protocol and the documents. A test compares them. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { references } from './references/all.ts';

const project = fileURLToPath(new URL('..', import.meta.url));
for (const [file, textOf] of Object.entries(references)) {
  writeFileSync(join(project, file), textOf(project));
  process.stdout.write(`${file}\n`);
}
