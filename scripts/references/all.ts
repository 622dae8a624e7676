import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { asyncApiText } from './asyncapi.ts';
import { llmsText } from './llms.ts';

/**
 * The generated files.
 *
 * @param project the folder of the checkout.
 * @returns the text of each file by its path in the project.
 * @throws Error with one next step if TypeDoc is missing or finds the docstrings incomplete.
 */
export async function makeReferences(project: string): Promise<Record<string, string>> {
  // A copy of the folder node_modules alone does not have the packages of the workspace.
  if (!existsSync(join(project, 'scripts/references/typedoc/node_modules'))) {
    throw new Error('TypeDoc is missing in scripts/references/typedoc; run `npm install` and start again.');
  }
  const { clientReference } = await import('./typedoc/client-reference.ts');
  const pages = await clientReference(project);
  return { 'docs/asyncapi.json': asyncApiText(project), ...pages, 'llms.txt': llmsText(project, pages) };
}
