import { asyncApiText } from './asyncapi.ts';
import { llmsText } from './llms.ts';
import { clientReference } from './typedoc/client-reference.ts';

/**
 * The generated files.
 *
 * @param project the folder of the checkout.
 * @returns the text of each file by its path in the project.
 */
export async function makeReferences(project: string): Promise<Record<string, string>> {
  const pages = await clientReference(project);
  return { 'docs/asyncapi.json': asyncApiText(project), ...pages, 'llms.txt': llmsText(project, pages) };
}
