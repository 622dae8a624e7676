import { asyncApiText } from './asyncapi.ts';
import { llmsText } from './llms.ts';

/** The generated files, and the functions that make their text for the folder of a checkout. */
export const references: Record<string, (project: string) => string> = {
  'docs/asyncapi.json': asyncApiText,
  'llms.txt': llmsText,
};
