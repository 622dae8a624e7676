import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environmentNames } from '../../lambdas/runtime/environment.ts';
import { bundleHandlers, projectDirectory } from '../../lib/bundle.ts';
import { type HandlerName, handlerNames } from '../../lib/handlers.ts';
import { SynthesizedTemplate } from './support.ts';

/** Set by hand where no stack is, and read first; the stack never sets it. */
const neverSet = [environmentNames.databaseUrl];

const dev = new SynthesizedTemplate('dev');
const { metafile } = bundleHandlers();

/** The variables that the sources in a function's bundle name. */
function readBy(handler: HandlerName): string[] {
  const output = metafile.outputs[`dist/${handler}/index.mjs`]!;
  const sources = Object.entries(output.inputs)
    .filter(([file, { bytesInOutput }]) => file.startsWith('lambdas/') && bytesInOutput > 0)
    .map(([file]) => readFileSync(join(projectDirectory, file), 'utf8'));
  const keys = sources.flatMap((source) => [...source.matchAll(/environmentNames\.(\w+)/g)].map(([, key]) => key!));
  return [...new Set(keys.map((key) => environmentNames[key as keyof typeof environmentNames]))]
    .filter((name) => !neverSet.some((never) => never === name))
    .sort();
}

/** The variables of `environmentNames` that the stack gives a function. */
function givenTo(handler: HandlerName): string[] {
  const known = Object.values(environmentNames) as string[];
  return Object.keys(dev.environmentOf(handler))
    .filter((name) => known.includes(name))
    .sort();
}

test.each(handlerNames)('%s is given what its code reads, and nothing more', (handler) => {
  expect(givenTo(handler)).toEqual(readBy(handler));
});
